#include "data/slide/privacy.h"

#include <algorithm>
#include <array>
#include <string>

#include "lib/core/lower_case.h"

namespace untiled {
namespace {

constexpr std::array<std::string_view, 43> kPrivateWords = {
    "accession",  "artist",   "barcode",   "clinical",   "comment",   "computer",     "copyright",
    "created",    "creator",  "date",      "descript",   "diagnosis", "documentname", "dsr id",
    "file name",  "filename", "host",      "identifier", "imageid",   "institut",     "keyword",
    "label",      "macro",    "operator",  "patient",    "person",    "physician",    "project",
    "reference",  "s/n",      "scanid",    "scanscope",  "serial",    "slide id",     "slide_id",
    "slide_name", "slideid",  "slidename", "study",      "time",      "title",        "uid",
    "user"};

}  // namespace

bool is_private_property(std::string_view key) {
  const std::string lower = lower_case(std::string(key));
  return std::any_of(kPrivateWords.begin(), kPrivateWords.end(),
                     [&](std::string_view word) { return lower.find(word) != std::string::npos; });
}

}  // namespace untiled
