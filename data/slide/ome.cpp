#include "data/slide/ome.h"

#include <algorithm>
#include <cstdint>
#include <sstream>
#include <utility>

#include "data/slide/length_unit.h"
#include "data/slide/number.h"
#include "data/slide/xml_tags.h"
#include "lib/core/lower_case.h"

namespace untiled {
namespace {

/// No slide has more images or channels; each takes memory before anything is known of it.
constexpr size_t kMostImages = 4096;
constexpr size_t kMostChannels = 4096;

template <typename T>
std::optional<T> number(std::string_view tag, std::string_view name) {
  return spelled_number<T>(attribute(tag, name));
}

/// More planes along one dimension than any slide has; products of three of these fit 64 bits.
constexpr int64_t kMostPlanes = int64_t{1} << 20;

/// A whole number from `least` on, which also stands for one that is not said.
int64_t count(std::string_view tag, std::string_view name, int64_t least,
              int64_t most = kMostPlanes) {
  return std::clamp(number<int64_t>(tag, name).value_or(least), least, most);
}

std::optional<double> physical_size_um(std::string_view pixels, const std::string& name,
                                       std::string& unknown_unit) {
  const auto value = number<double>(pixels, name);
  const auto unit = attribute(pixels, name + "Unit");
  if (!value) return std::nullopt;
  const auto um = unit ? unit_um(*unit) : 1.0;
  if (!um) unknown_unit = unit->empty() ? "(empty)" : *unit;
  return um ? std::optional(*value * *um) : std::nullopt;
}

/// Calls `use` with each start tag `name` of `xml`, until it returns false.
template <typename Use>
void for_each_tag(std::string_view xml, std::string_view name, const Use& use) {
  for (std::string_view tag = find_tag(xml, name); !tag.empty();
       tag = find_tag(xml, name, end_of(xml, tag))) {
    if (!use(tag)) return;
  }
}

/// RGBA in 32 bits, which OME takes for a number with a sign and some writers for one without.
std::optional<int64_t> color_of(std::string_view channel) {
  const auto color = number<int64_t>(channel, "Color");
  const bool has_no_sign = color && *color > INT32_MAX && *color <= UINT32_MAX;
  return has_no_sign ? *color - (int64_t{1} << 32) : color;
}

std::vector<OmeChannel> read_channels(std::string_view image) {
  std::vector<OmeChannel> channels;
  for_each_tag(image, "Channel", [&](std::string_view tag) {
    channels.push_back({attribute(tag, "Name").value_or(""), color_of(tag)});
    return channels.size() < kMostChannels;
  });
  return channels;
}

/// The file that a description was read from, as the descriptions of a set tell its files apart.
struct OwnFile {
  std::string uuid;
  std::string_view name;
};

/// Whether the element UUID of a TiffData, which stands before the next one, is another file's.
bool is_of_other_file(std::string_view image, std::string_view tag, const OwnFile& own) {
  if (tag.ends_with('/')) return false;
  const size_t begin = end_of(image, tag);
  const std::string_view next = find_tag(image, "TiffData", begin);
  const size_t end = next.empty() ? image.size() : end_of(image, next) - next.size();
  const std::string_view inside = image.substr(begin, end - begin);
  const std::string_view uuid = find_tag(inside, "UUID");
  if (uuid.empty()) return false;
  const std::string_view text = inside.substr(std::min(end_of(inside, uuid) + 1, inside.size()));
  if (!own.uuid.empty()) return trimmed(text.substr(0, text.find('<'))) != own.uuid;
  const auto file = attribute(uuid, "FileName");
  return file && *file != own.name;
}

/// An element without IFD and PlaneCount means all directories.
std::vector<OmePlanes> read_planes(std::string_view image, const OwnFile& own) {
  std::vector<OmePlanes> all;
  for_each_tag(image, "TiffData", [&](std::string_view tag) {
    OmePlanes planes;
    const bool directory = attribute(tag, "IFD").has_value();
    planes.directory = count(tag, "IFD", 0);
    planes.c = count(tag, "FirstC", 0);
    planes.z = count(tag, "FirstZ", 0);
    planes.t = count(tag, "FirstT", 0);
    const bool says_how_many = directory || attribute(tag, "PlaneCount");
    planes.planes = says_how_many ? count(tag, "PlaneCount", 1) : kMostPlanes;
    planes.is_elsewhere = is_of_other_file(image, tag, own);
    all.push_back(planes);
    return true;
  });
  return all;
}

using Objectives = std::vector<std::pair<std::string, double>>;

Objectives read_objectives(std::string_view xml) {
  Objectives objectives;
  for_each_tag(xml, "Objective", [&](std::string_view tag) {
    if (const auto power = number<double>(tag, "NominalMagnification")) {
      objectives.emplace_back(attribute(tag, "ID").value_or(""), *power);
    }
    return objectives.size() < kMostImages;
  });
  return objectives;
}

/// The objective that the image names, else the first.
std::optional<double> objective_power(std::string_view image, const Objectives& objectives) {
  if (objectives.empty()) return std::nullopt;
  const auto id = attribute(find_tag(image, "ObjectiveSettings"), "ID");
  const auto found = std::find_if(objectives.begin(), objectives.end(),
                                  [&](const auto& objective) { return objective.first == id; });
  return found == objectives.end() ? objectives.front().second : found->second;
}

/// `xml` is the part of the document from the image's tag on to the next image's.
std::optional<OmeImage> read_image(std::string_view xml, std::string_view tag,
                                   const Objectives& objectives, const OwnFile& own) {
  const std::string_view pixels = find_tag(xml, "Pixels");
  if (pixels.empty()) return std::nullopt;
  OmeImage image;
  image.name = attribute(tag, "Name").value_or("");
  constexpr int64_t kMostPixels = int64_t{1} << 40;
  image.size_x = count(pixels, "SizeX", 0, kMostPixels);
  image.size_y = count(pixels, "SizeY", 0, kMostPixels);
  image.size_c = count(pixels, "SizeC", 1);
  image.size_z = count(pixels, "SizeZ", 1);
  image.size_times = count(pixels, "SizeT", 1);
  image.order = attribute(pixels, "DimensionOrder").value_or(image.order);
  image.mpp_x = physical_size_um(pixels, "PhysicalSizeX", image.unknown_unit);
  image.mpp_y = physical_size_um(pixels, "PhysicalSizeY", image.unknown_unit);
  image.objective_power = objective_power(xml, objectives);
  image.channels = read_channels(xml);
  image.planes = read_planes(xml, own);
  return image;
}

/// Leaves out the planes that lie in other files, and images of none but such. Where no plane seems
/// to lie in this one, it was renamed or written anew, and nothing is left out.
void keep_own_planes(std::vector<OmeImage>& images) {
  const auto is_elsewhere = [](const OmePlanes& planes) { return planes.is_elsewhere; };
  const bool has_own = std::any_of(images.begin(), images.end(), [&](const OmeImage& image) {
    return !std::all_of(image.planes.begin(), image.planes.end(), is_elsewhere);
  });
  if (!has_own) return;
  std::erase_if(images, [&](OmeImage& image) {
    return std::erase_if(image.planes, is_elsewhere) > 0 && image.planes.empty();
  });
}

struct Position {
  int64_t c = 0;
  int64_t z = 0;
  int64_t t = 0;
};

/// Planes before the one at `at` in an image of `sizes`, whose first dimension of `order` (behind
/// X and Y) changes fastest.
int64_t index_of(const std::string& order, const Position& sizes, const Position& at) {
  int64_t index = 0;
  int64_t stride = 1;
  const std::string axes = order.size() == 5 ? order.substr(2) : "CZT";
  for (const char axis : axes) {
    const bool is_c = axis == 'C';
    index += stride * (is_c ? at.c : axis == 'Z' ? at.z : at.t);
    stride *= is_c ? sizes.c : axis == 'Z' ? sizes.z : sizes.t;
  }
  return index;
}

/// 0 red, 1 green, 2 blue; -1 a name that says nothing of a colour ("Channel 1", "C:0"); nothing
/// for any other, which may be a dye's.
std::optional<int> color_of_name(const std::string& name) {
  constexpr std::array<std::string_view, 3> kColors = {"red", "green", "blue"};
  constexpr std::array<std::string_view, 10> kNeutral = {
      "c", "ch", "chan", "channel", "rgb", "component", "band", "sample", "bf", "brightfield"};
  std::string letters = lower_case(name);
  for (char& c : letters) {
    const bool is_letter = (c >= 'a' && c <= 'z') || static_cast<unsigned char>(c) >= 0x80;
    if (!is_letter) c = ' ';
  }
  int color = -1;
  std::istringstream words(letters);
  for (std::string word; words >> word;) {
    if (std::find(kNeutral.begin(), kNeutral.end(), word) != kNeutral.end()) continue;
    const auto* const known =
        std::find_if(kColors.begin(), kColors.end(), [&](std::string_view known_color) {
          return word == known_color || word == known_color.substr(0, 1);
        });
    if (color >= 0 || known == kColors.end()) return std::nullopt;
    color = static_cast<int>(known - kColors.begin());
  }
  return color;
}

using ThreeChannels = std::array<int64_t, 3>;

/// The channels in the order red, green, blue, where `colors` holds each once.
std::optional<ThreeChannels> in_order(const std::array<int, 3>& colors) {
  ThreeChannels channels = {-1, -1, -1};
  for (size_t c = 0; c < colors.size(); ++c) {
    channels.at(static_cast<size_t>(colors[c])) = static_cast<int64_t>(c);
  }
  const bool each_once = *std::min_element(channels.begin(), channels.end()) >= 0;
  return each_once ? std::optional(channels) : std::nullopt;
}

constexpr ThreeChannels kAsTheyCome = {0, 1, 2};

/// In another order than red, green and blue colours are those of dyes.
bool may_be_rgb(const std::vector<OmeChannel>& channels) {
  constexpr std::array<int64_t, 3> kColors = {-16776961, 16711935, 65535};
  constexpr int64_t kWhite = -1;  // What is written where nobody chose a colour.
  size_t fitting = 0;
  size_t unsaid = 0;
  size_t white = 0;
  for (size_t c = 0; c < channels.size(); ++c) {
    if (!channels[c].color) ++unsaid;
    if (channels[c].color == kWhite) ++white;
    if (channels[c].color == kColors.at(c)) ++fitting;
  }
  return unsaid > 0 || white == channels.size() || fitting == channels.size();
}

}  // namespace

std::optional<std::string> companion_of(std::string_view description) {
  return attribute(find_tag(description, "BinaryOnly"), "MetadataFile");
}

std::vector<OmeImage> parse_ome(std::string_view description, std::string_view file_name) {
  if (find_tag(description, "OME").empty()) return {};
  // Vendors keep XML of their own there, which may have elements of OME's names.
  const std::string text = without_elements(without_comments(description), "StructuredAnnotations");
  const std::string_view xml = text;
  const OwnFile own = {attribute(find_tag(xml, "OME"), "UUID").value_or(""), file_name};
  const Objectives objectives = read_objectives(xml);
  std::vector<OmeImage> images;
  std::string_view tag = find_tag(xml, "Image");
  if (tag.empty()) tag = find_tag(xml, "OME");
  while (!tag.empty() && images.size() < kMostImages) {
    const size_t begin = end_of(xml, tag) - tag.size();
    const std::string_view next = find_tag(xml, "Image", end_of(xml, tag));
    const size_t end = next.empty() ? xml.size() : end_of(xml, next) - next.size();
    if (auto image = read_image(xml.substr(begin, end - begin), tag, objectives, own)) {
      images.push_back(std::move(*image));
    }
    tag = next;
  }
  keep_own_planes(images);
  return images;
}

std::optional<int64_t> directory_of(const OmeImage& image, int64_t c, int64_t samples) {
  const Position sizes = {std::max<int64_t>(1, image.size_c / samples), image.size_z,
                          image.size_times};
  const int64_t wanted = index_of(image.order, sizes, {c, 0, 0});
  for (const OmePlanes& planes : image.planes) {
    const int64_t first = index_of(image.order, sizes, {planes.c / samples, planes.z, planes.t});
    if (first <= wanted && wanted - first < planes.planes) {
      return planes.directory + wanted - first;
    }
  }
  return std::nullopt;
}

bool holds_directory(const OmeImage& image, int64_t directory) {
  const int64_t most = image.size_c * image.size_z * image.size_times;
  return std::any_of(image.planes.begin(), image.planes.end(), [&](const OmePlanes& planes) {
    return planes.directory <= directory &&
           directory - planes.directory < std::min(planes.planes, most);
  });
}

std::optional<ThreeChannels> rgb_channels(const OmeImage& image) {
  if (image.size_c != 3) return std::nullopt;
  if (image.channels.size() != 3) return kAsTheyCome;
  std::array<int, 3> colors{};
  for (size_t c = 0; c < colors.size(); ++c) {
    const auto color = color_of_name(image.channels[c].name);
    if (!color) return std::nullopt;
    colors[c] = *color;
  }
  const auto [least, most] = std::minmax_element(colors.begin(), colors.end());
  if (*least >= 0) return in_order(colors);
  if (*most >= 0)
    return std::nullopt;  // A dye that is called Red stands beside one without a name.
  return may_be_rgb(image.channels) ? std::optional(kAsTheyCome) : std::nullopt;
}

}  // namespace untiled
