#include "lib/output/mask_png.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/core/error.h"
#include "lib/core/pixel_source.h"

namespace untiled {
namespace {

/// tEXt is Latin-1; names may be anything.
std::string to_ascii(const std::string& name) {
  std::string ascii;
  for (const char c : name) {
    if ((c & 0xC0) == 0x80) continue;  // The rest of a UTF-8 character.
    ascii += c >= 0x20 && c < 0x7F && c != ',' && c != '=' ? c : '_';
  }
  return ascii;
}

std::string describe_classes(const std::vector<MaskClass>& classes) {
  if (classes.size() <= 1) {
    return "0=background,255=" + (classes.empty() ? "tissue" : to_ascii(classes.front().name));
  }
  std::string text;
  for (const MaskClass& c : classes) {
    text += fmt::format("{}{}={}", text.empty() ? "" : ",", c.value, to_ascii(c.name));
  }
  return text;
}

/// What stands in the file for each class index and for kIgnoredLabel.
std::array<uint8_t, 256> file_values(const std::vector<MaskClass>& classes) {
  std::array<uint8_t, 256> values{};
  if (classes.size() <= 1) {
    values.fill(255);
    values[0] = values[kIgnoredLabel] = 0;
    return values;
  }
  values[kIgnoredLabel] = kIgnoredLabel;
  for (size_t i = 0; i < classes.size(); ++i) values[i] = static_cast<uint8_t>(classes[i].value);
  return values;
}

PngOptions options_for(const std::filesystem::path& path, const MaskPngFacts& facts) {
  const Extent extent = mask_extent(facts.slide, facts.downsample);
  if (extent.area() > kMostMaskPngPixels) {
    throw ConfigError(fmt::format(
        "{}: a PNG of {} has more pixels than other programs read ({}); take a level with a "
        "downsample of {} or more, or the format tiff",
        path.string(), to_string(extent), kMostMaskPngPixels, least_png_downsample(facts.slide)));
  }
  PngOptions options;
  options.scale = facts.scale;
  options.texts = {
      {"untiled:downsample", fmt::format("{}", facts.downsample)},
      {"untiled:origin", facts.origin == Origin::kQuPath ? "qupath" : "openslide"},
      {"untiled:classes", describe_classes(facts.classes)},
  };
  return options;
}

}  // namespace

Extent mask_extent(const Extent& slide, int64_t downsample) {
  return {ceil_div(slide.rows, downsample), ceil_div(slide.cols, downsample)};
}

int64_t least_png_downsample(const Extent& slide) {
  int64_t downsample = 1;
  while (mask_extent(slide, downsample).area() > kMostMaskPngPixels) ++downsample;
  return downsample;
}

MaskPngWriter::MaskPngWriter(const std::filesystem::path& path, const MaskPngFacts& facts)
    : values_(file_values(facts.classes)),
      png_(path, mask_extent(facts.slide, facts.downsample), options_for(path, facts)) {}

void MaskPngWriter::write_rows(std::span<const uint8_t> classes) {
  std::vector<uint8_t> values(classes.begin(), classes.end());
  for (uint8_t& value : values) value = values_[value];
  png_.write_rows(values);
}

}  // namespace untiled
