#include "data/slide/privacy.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

namespace untiled {
namespace {

constexpr std::array<std::string_view, 34> kPrivateWords = {
    "accession", "artist",      "barcode",   "clinical",  "comment",  "computer", "copyright",
    "created",   "date",        "descript",  "file name", "filename", "host",     "imageid",
    "institut",  "label",       "macro",     "operator",  "patient",  "person",   "physician",
    "project",   "s/n",         "scanscope", "serial",    "slide id", "slide_id", "slide_name",
    "slidename", "slide title", "study",     "time",      "uid",      "user"};

}  // namespace

bool is_private_property(std::string_view key) {
  std::string lower(key);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::any_of(kPrivateWords.begin(), kPrivateWords.end(),
                     [&](std::string_view word) { return lower.find(word) != std::string::npos; });
}

}  // namespace untiled
