#include "data/slide/image_description.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <string>

#include "data/slide/length_unit.h"
#include "data/slide/number.h"
#include "lib/core/lower_case.h"

namespace untiled {
namespace {

constexpr std::array<std::string_view, 4> kOtherPictures = {"macro", "label", "thumbnail",
                                                            "overview"};

/// Calls `use` with each part of `text` between `separators`, without space around it.
template <typename Use>
void for_each_part(std::string_view text, std::string_view separators, const Use& use) {
  while (!text.empty()) {
    const size_t end = std::min(text.find_first_of(separators), text.size());
    use(trimmed(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

bool begins_with_other_picture(std::string_view line) {
  return std::any_of(kOtherPictures.begin(), kOtherPictures.end(), [&](std::string_view word) {
    const bool begins = line.starts_with(word);
    return begins && (line.size() == word.size() ||
                      std::isalpha(static_cast<unsigned char>(line[word.size()])) == 0);
  });
}

/// PerkinElmer's <ImageType>Label</ImageType>.
bool has_other_image_type(std::string_view lower) {
  constexpr std::string_view kTag = "<imagetype>";
  const size_t at = lower.find(kTag);
  return at != std::string_view::npos && begins_with_other_picture(lower.substr(at + kTag.size()));
}

/// The value of `key` in a list of "key = value".
std::optional<std::string> value_of(std::string_view text, std::string_view separators,
                                    std::string_view key) {
  std::optional<std::string> value;
  for_each_part(text, separators, [&](std::string_view part) {
    const size_t equals = part.find('=');
    if (equals == std::string_view::npos || trimmed(part.substr(0, equals)) != key) return;
    if (!value) value = trimmed(part.substr(equals + 1));
  });
  return value;
}

std::vector<ScaleClaim> aperio_scales(std::string_view description) {
  const auto mpp = spelled_number<double>(value_of(description, "|\r\n", "MPP"));
  const auto power = spelled_number<double>(value_of(description, "|\r\n", "AppMag"));
  return {{"vendor", mpp, mpp}, objective_claim(power)};
}

/// ImageJ counts pixels a unit of its own where TIFF has none for it.
std::vector<ScaleClaim> imagej_scales(const TiffDirectory& directory) {
  const auto unit = value_of(directory.description, "\r\n", "unit");
  constexpr int kNoUnit = 1;
  if (!unit || unit->empty() || directory.resolution_unit != kNoUnit) return {};
  ScaleClaim claim{"imagej", {}, {}};
  const auto um = unit_um(*unit);
  const std::string word = lower_case(*unit);
  if (!um && word != "pixel" && word != "pixels") claim.unknown_unit = *unit;
  if (um && directory.x_resolution > 0) claim.mpp_x = *um / directory.x_resolution;
  if (um && directory.y_resolution > 0) claim.mpp_y = *um / directory.y_resolution;
  return {claim};
}

}  // namespace

bool names_other_picture(std::string_view text) {
  constexpr size_t kFirstPart = 64 << 10;
  const std::string lower = lower_case(std::string(text.substr(0, kFirstPart)));
  bool found = has_other_image_type(lower);
  for_each_part(lower, "\r\n",
                [&](std::string_view line) { found = found || begins_with_other_picture(line); });
  return found;
}

std::vector<ScaleClaim> described_scales(const TiffDirectory& directory) {
  if (is_aperio(directory)) return aperio_scales(directory.description);
  if (directory.description.starts_with("ImageJ=")) return imagej_scales(directory);
  return {};
}

bool is_aperio(const TiffDirectory& directory) {
  return directory.description.starts_with("Aperio");
}

}  // namespace untiled
