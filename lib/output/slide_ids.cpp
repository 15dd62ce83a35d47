#include "lib/output/slide_ids.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <map>

namespace untiled {
namespace {

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// FNV-1a (Fowler, Noll, Vo), 32 bits.
uint32_t short_hash(const std::string& text) {
  uint32_t hash = 2166136261U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return hash;
}

std::string file_name(const std::filesystem::path& slide) {
  const std::filesystem::path path = slide.lexically_normal();
  return (path.has_filename() ? path : path.parent_path()).filename().string();
}

}  // namespace

std::vector<std::string> slide_ids(const std::vector<std::filesystem::path>& slides) {
  std::map<std::string, int> count;
  for (const auto& slide : slides) ++count[lower_case(file_name(slide))];
  std::vector<std::string> ids;
  for (const auto& slide : slides) {
    std::string id = file_name(slide);
    if (count[lower_case(id)] > 1) {
      const auto path = std::filesystem::absolute(slide).lexically_normal();
      id += fmt::format("-{:08x}", short_hash(path.string()));
    }
    ids.push_back(std::move(id));
  }
  return ids;
}

}  // namespace untiled
