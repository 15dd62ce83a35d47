#include "data/cohort/slide_ids.h"

#include <fmt/format.h>

#include <cstdint>
#include <map>
#include <set>

#include "data/slide/fingerprint.h"
#include "lib/core/lower_case.h"
#include "lib/core/without_slash.h"

namespace untiled {
namespace {

/// FNV-1a (Fowler, Noll, Vo), 32 bits.
uint32_t short_hash(const std::string& text) {
  uint32_t hash = 2166136261U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return hash;
}

/// File systems take 255 bytes a name, of which endings, regions and temporary names need some.
constexpr size_t kMostBytes = 170;

/// A name that fits with its endings: of a long one the beginning, up to a whole character of
/// UTF-8, and a hash of all of it.
std::string fitting(const std::string& name) {
  if (name.size() <= kMostBytes) return name;
  const std::string hash = fmt::format("-{:08x}", short_hash(name));
  size_t end = kMostBytes - hash.size();
  while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xC0) == 0x80) --end;
  return name.substr(0, end) + hash;
}

/// Never empty and never with a separator: an id stays in the output folder.
std::string file_name(const std::filesystem::path& slide) {
  const std::filesystem::path path = std::filesystem::absolute(slide).lexically_normal();
  const std::string name = without_slash(path).filename().string();
  return name.empty() ? "slide" : fitting(name);
}

}  // namespace

std::vector<std::string> slide_ids(const std::vector<std::filesystem::path>& slides) {
  std::map<std::string, std::set<std::string>> paths;  ///< By name.
  const auto full = [](const std::filesystem::path& slide) {
    return std::filesystem::absolute(slide).lexically_normal().string();
  };
  for (const auto& slide : slides) paths[lower_case(file_name(slide))].insert(full(slide));
  std::vector<std::string> ids;
  for (const auto& slide : slides) {
    std::string id = file_name(slide);
    if (paths[lower_case(id)].size() > 1) id += fmt::format("-{:08x}", short_hash(full(slide)));
    ids.push_back(std::move(id));
  }
  return ids;
}

std::string region_suffix(const Region& region) {
  return fmt::format("-x{}y{}w{}h{}", region.cols.begin, region.rows.begin, region.cols.size(),
                     region.rows.size());
}

std::string anonymous_entry_id(const CohortEntry& entry, const SlideInfo& info) {
  return anonymous_id(info) + (entry.region ? region_suffix(*entry.region) : "");
}

std::vector<std::string> tell_regions_apart(std::vector<std::string> ids,
                                            const std::vector<CohortEntry>& entries) {
  std::map<std::string, int> count;
  for (const std::string& id : ids) ++count[id];
  for (size_t i = 0; i < ids.size(); ++i) {
    const auto& region = entries[i].region;
    if (count[ids[i]] < 2 || !region) continue;
    ids[i] += region_suffix(*region);
  }
  return ids;
}

std::vector<std::string> entry_ids(const std::vector<CohortEntry>& entries) {
  std::vector<std::filesystem::path> paths;
  paths.reserve(entries.size());
  for (const CohortEntry& entry : entries) paths.push_back(entry.path);
  return tell_regions_apart(slide_ids(paths), entries);
}

}  // namespace untiled
