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

bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }

/// Whether a word ends where `rest` of its line begins. One that a hyphen joins to another does
/// not (label-free), but to the word image.
bool ends_a_word(std::string_view rest) {
  if (rest.empty()) return true;
  const bool joined = rest.size() > 1 && rest[0] == '-' && is_letter(rest[1]);
  return !is_letter(rest[0]) && (!joined || rest.starts_with("-image"));
}

bool begins_with_other_picture(std::string_view line) {
  return std::any_of(kOtherPictures.begin(), kOtherPictures.end(), [&](std::string_view word) {
    return line.starts_with(word) && ends_a_word(line.substr(word.size()));
  });
}

/// OMERO puts an image's name in brackets behind the file's: "scan.svs [macro image]".
bool ends_with_other_picture(std::string_view line) {
  if (!line.ends_with(']') && !line.ends_with(')')) return false;
  const size_t open = line.find_last_of("[(");
  return open != std::string_view::npos &&
         begins_with_other_picture(trimmed(line.substr(open + 1)));
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

/// Micrometres of a pixel of which `per_unit` are one `unit`; a unit that is not understood is
/// noted in `claim`.
std::optional<double> imagej_scale(const std::string& unit, double per_unit, ScaleClaim& claim) {
  const auto um = unit_um(unit);
  const std::string word = lower_case(unit);
  if (!um && word != "pixel" && word != "pixels") claim.unknown_unit = unit;
  return um && per_unit > 0 ? std::optional(*um / per_unit) : std::nullopt;
}

/// ImageJ counts pixels a unit of its own where TIFF has none for it; rows have one of their own
/// where they differ.
std::vector<ScaleClaim> imagej_scales(const TiffDirectory& directory) {
  const auto unit = value_of(directory.description, "\r\n", "unit");
  constexpr int kNoUnit = 1;
  if (!unit || unit->empty() || directory.resolution_unit != kNoUnit) return {};
  const auto of_rows = value_of(directory.description, "\r\n", "yunit");
  ScaleClaim claim{"imagej", {}, {}};
  claim.mpp_x = imagej_scale(*unit, directory.x_resolution, claim);
  claim.mpp_y = imagej_scale(of_rows.value_or(*unit), directory.y_resolution, claim);
  return {claim};
}

bool is_imagej(const TiffDirectory& directory) {
  return directory.description.starts_with("ImageJ=");
}

}  // namespace

int64_t imagej_channels(const TiffDirectory& directory) {
  if (!is_imagej(directory)) return 1;
  const auto channels =
      spelled_number<int64_t>(value_of(directory.description, "\r\n", "channels"));
  return std::max<int64_t>(channels.value_or(1), 1);
}

bool names_other_picture(std::string_view text) {
  constexpr size_t kFirstPart = 64 << 10;
  const std::string lower = lower_case(std::string(text.substr(0, kFirstPart)));
  bool found = has_other_image_type(lower);
  for_each_part(lower, "\r\n", [&](std::string_view line) {
    found = found || begins_with_other_picture(line) || ends_with_other_picture(line);
  });
  return found;
}

std::vector<ScaleClaim> described_scales(const TiffDirectory& directory) {
  if (is_aperio(directory)) return aperio_scales(directory.description);
  if (is_imagej(directory)) return imagej_scales(directory);
  return {};
}

bool is_aperio(const TiffDirectory& directory) {
  return directory.description.starts_with("Aperio");
}

}  // namespace untiled
