#include "lib/output/mask_png.h"

#include <fmt/format.h>

#include <string>

#include "lib/core/error.h"

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
  std::string text;
  for (const MaskClass& c : file_classes(classes)) {
    text += fmt::format("{}{}={}", text.empty() ? "" : ",", c.value, to_ascii(c.name));
  }
  return text;
}

PngOptions options_for(const std::filesystem::path& path, const MaskFacts& facts) {
  if (facts.extent.area() > kMostMaskPngPixels) {
    throw ConfigError(fmt::format(
        "{}: a PNG of {} has more pixels than other programs read ({}); make it {} times smaller "
        "with --downsample, or take --format tiff",
        path.string(), to_string(facts.extent), kMostMaskPngPixels,
        least_png_downsample(facts.extent)));
  }
  PngOptions options;
  options.scale = facts.scale;
  options.texts = {
      {"untiled:downsample", fmt::format("{}", facts.downsample_x)},
      {"untiled:origin", to_string(facts.origin)},
      {"untiled:classes", describe_classes(facts.classes)},
  };
  return options;
}

}  // namespace

int64_t least_png_downsample(const Extent& mask) {
  int64_t downsample = 1;
  while (mask_extent(mask, downsample).area() > kMostMaskPngPixels) ++downsample;
  return downsample;
}

MaskPngWriter::MaskPngWriter(const std::filesystem::path& path, const MaskFacts& facts)
    : values_(file_values(facts.classes)), png_(path, facts.extent, options_for(path, facts)) {}

void MaskPngWriter::write_rows(std::span<const uint8_t> classes) {
  std::vector<uint8_t> values(classes.begin(), classes.end());
  for (uint8_t& value : values) value = values_[value];
  png_.write_rows(values);
}

}  // namespace untiled
