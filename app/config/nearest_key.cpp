#include "app/config/nearest_key.h"

#include <algorithm>
#include <numeric>

namespace untiled {
namespace {

struct Parts {
  std::string_view section;
  std::string_view name;
};

Parts split(std::string_view key) {
  const size_t dot = key.rfind('.');
  if (dot == std::string_view::npos) return {"", key};
  return {key.substr(0, dot), key.substr(dot + 1)};
}

std::string initials(std::string_view name) {
  std::string letters;
  char before = '_';
  for (const char letter : name) {
    if (before == '_') letters += letter;
    before = letter;
  }
  return letters;
}

bool is_abbreviated(std::string_view name, std::string_view as) {
  return as.size() > 1 && initials(name) == as;
}

/// Whether two names have more in common than that each may be written over the other.
bool has_letters_of(std::string_view a, std::string_view b) {
  return is_abbreviated(b, a) ||
         edit_distance(a, b) < static_cast<int>(std::max(a.size(), b.size()));
}

int difference(std::string_view unknown, std::string_view key) {
  constexpr int kNameWeight = 4;
  constexpr int kMostForSection = 6;
  const Parts a = split(unknown);
  const Parts b = split(key);
  const int name = is_abbreviated(b.name, a.name) ? 0 : edit_distance(a.name, b.name);
  return kNameWeight * name + std::min(edit_distance(a.section, b.section), kMostForSection);
}

}  // namespace

int edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<int>> cost(a.size() + 1, std::vector<int>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) cost[i][0] = static_cast<int>(i);
  std::iota(cost[0].begin(), cost[0].end(), 0);
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1,
                             cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  }
  return cost[a.size()][b.size()];
}

std::string nearest_key(std::string_view unknown, const std::vector<std::string>& keys) {
  const std::string above(split(unknown).section);
  const bool is_key = std::find(keys.begin(), keys.end(), above) != keys.end();
  const bool is_section = std::any_of(
      keys.begin(), keys.end(), [&](const auto& key) { return key.starts_with(above + "."); });
  if (is_key && !is_section) return above;
  const std::string nearest =
      *std::min_element(keys.begin(), keys.end(), [unknown](const auto& a, const auto& b) {
        return difference(unknown, a) < difference(unknown, b);
      });
  return has_letters_of(split(unknown).name, split(nearest).name) ? nearest : "";
}

}  // namespace untiled
