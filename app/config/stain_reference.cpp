#include "app/config/stain_reference.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "app/config/convert.h"
#include "lib/core/error.h"
#include "lib/filters/stain_file.h"

namespace untiled {
namespace {

constexpr Range<double> kNumbers = {-1e6, 1e6};

template <size_t kCount>
std::array<double, kCount> read_numbers(const Value& value) {
  const auto items = value.is_list() ? value.items() : std::vector<Value>();
  if (items.size() != kCount) throw value.refused(fmt::format("a list of {} numbers", kCount));
  std::array<double, kCount> numbers{};
  std::transform(items.begin(), items.end(), numbers.begin(),
                 [](const Value& item) { return read_number(item, kNumbers); });
  return numbers;
}

std::array<filters::Vector3, 2> read_vectors(const Value& value) {
  const auto items = value.is_list() ? value.items() : std::vector<Value>();
  if (items.size() != 2) throw value.refused("a list of two vectors");
  return {read_numbers<3>(items[0]), read_numbers<3>(items[1])};
}

filters::Stains read_written_stains(const Value& value) {
  const std::vector<Value> entries = value.entries();
  if (entries.size() != 2) throw value.refused(stain_reference_type());
  const auto entry = [&](const std::string& key) {
    const auto found = std::find_if(entries.begin(), entries.end(), [&](const Value& e) {
      return e.key() == value.key() + "." + key;
    });
    if (found == entries.end()) throw value.refused(stain_reference_type());
    return *found;
  };
  const filters::Stains stains{read_vectors(entry("vectors")), read_numbers<2>(entry("high"))};
  if (!filters::are_sound(stains)) {
    throw value.error(
        "are no two stains: expected two different vectors of length 1 and highs above 0");
  }
  return stains;
}

YAML::Node number_list(const auto& numbers) {
  YAML::Node list(YAML::NodeType::Sequence);
  list.SetStyle(YAML::EmitterStyle::Flow);
  for (const double number : numbers) list.push_back(fmt::format("{}", number));
  return list;
}

}  // namespace

std::string stain_reference_type() {
  return "a file that untiled tile --save-stain wrote, its {vectors, high}, or nothing";
}

std::optional<filters::Stains> read_stain_reference(const Value& value) {
  if (value.is_null() || value.text() == "" || value.text() == "null") return std::nullopt;
  if (value.is_map()) return read_written_stains(value);
  if (!value.text()) throw value.refused(stain_reference_type());
  try {
    return filters::read_stains(read_path(value));
  } catch (const DataError& problem) {
    throw value.error(fmt::format("cannot be used: {}", problem.what()));
  }
}

YAML::Node stain_reference_node(const std::optional<filters::Stains>& reference) {
  if (!reference) return YAML::Node(YAML::NodeType::Null);
  YAML::Node vectors(YAML::NodeType::Sequence);
  for (const filters::Vector3& v : reference->vectors) vectors.push_back(number_list(v));
  YAML::Node node;
  node.SetStyle(YAML::EmitterStyle::Flow);
  node["vectors"] = vectors;
  node["high"] = number_list(reference->high);
  return node;
}

}  // namespace untiled
