#include "data/slide/privacy.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

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
  std::string lower(key);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::any_of(kPrivateWords.begin(), kPrivateWords.end(),
                     [&](std::string_view word) { return lower.find(word) != std::string::npos; });
}

}  // namespace untiled
