#include "data/slide/ome.h"

#include "lib/core/number.h"

namespace untiled {
namespace {

/// The text of the first start tag `<name ...>` or `<prefix:name ...>` of `xml` from `from` on.
std::string_view find_tag(std::string_view xml, std::string_view name, size_t from = 0) {
  for (size_t at = xml.find(name, from); at != std::string_view::npos;
       at = xml.find(name, at + 1)) {
    const bool starts = at > 0 && (xml[at - 1] == '<' || xml[at - 1] == ':');
    const size_t after = at + name.size();
    const bool ends = after < xml.size() &&
                      std::string_view(" \t\r\n/>").find(xml[after]) != std::string_view::npos;
    if (starts && ends) return xml.substr(at, xml.find('>', at) - at);
  }
  return {};
}

std::optional<std::string_view> attribute(std::string_view tag, std::string_view name) {
  for (size_t at = tag.find(name); at != std::string_view::npos; at = tag.find(name, at + 1)) {
    const size_t equals = at + name.size();
    const bool starts =
        at > 0 && std::string_view(" \t\r\n").find(tag[at - 1]) != std::string_view::npos;
    if (!starts || equals + 1 >= tag.size() || tag[equals] != '=') continue;
    const char quote = tag[equals + 1];
    const size_t begin = equals + 2;
    const size_t end = tag.find(quote, begin);
    if (end == std::string_view::npos) return std::nullopt;
    return tag.substr(begin, end - begin);
  }
  return std::nullopt;
}

template <typename T>
std::optional<T> number(const std::optional<std::string_view>& text) {
  return text ? parse_number<T>(*text) : std::nullopt;
}

/// Micrometres in one unit of length as OME spells it; nothing for units without a size.
std::optional<double> unit_um(const std::optional<std::string_view>& unit) {
  if (!unit || *unit == "\xC2\xB5m" || *unit == "\xCE\xBCm" || *unit == "&#181;m" ||
      *unit == "&#xB5;m" || *unit == "um") {
    return 1.0;
  }
  if (*unit == "nm") return 1e-3;
  if (*unit == "mm") return 1e3;
  if (*unit == "cm") return 1e4;
  if (*unit == "m") return 1e6;
  if (*unit == "in") return 25400.0;
  return std::nullopt;
}

std::optional<double> physical_size_um(std::string_view pixels, std::string_view name) {
  const auto value = number<double>(attribute(pixels, name));
  const auto unit = unit_um(attribute(pixels, std::string(name) + "Unit"));
  if (!value || !unit) return std::nullopt;
  return *value * *unit;
}

std::vector<int64_t> channel_colors(std::string_view image, int64_t channels) {
  std::vector<int64_t> colors;
  std::string_view tag = find_tag(image, "Channel");
  while (!tag.empty() && colors.size() < static_cast<size_t>(channels)) {
    const auto color = number<int64_t>(attribute(tag, "Color"));
    if (!color) return {};
    colors.push_back(*color);
    tag = find_tag(image, "Channel", static_cast<size_t>(tag.data() - image.data()) + tag.size());
  }
  return colors;
}

}  // namespace

std::optional<OmeImage> parse_ome(std::string_view description) {
  const std::string_view pixels = find_tag(description, "Pixels");
  if (find_tag(description, "OME").empty() || pixels.empty()) return std::nullopt;
  OmeImage image;
  image.mpp_x = physical_size_um(pixels, "PhysicalSizeX");
  image.mpp_y = physical_size_um(pixels, "PhysicalSizeY");
  image.objective_power =
      number<double>(attribute(find_tag(description, "Objective"), "NominalMagnification"));
  image.size_c = number<int64_t>(attribute(pixels, "SizeC")).value_or(1);
  image.size_z = number<int64_t>(attribute(pixels, "SizeZ")).value_or(1);
  image.size_times = number<int64_t>(attribute(pixels, "SizeT")).value_or(1);
  const auto start = static_cast<size_t>(pixels.data() - description.data());
  const size_t end = description.find("Image>", start);
  image.channel_colors = channel_colors(
      description.substr(start, end == std::string_view::npos ? end : end - start), image.size_c);
  return image;
}

}  // namespace untiled
