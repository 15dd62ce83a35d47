#include "data/slide/image_description.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <string>
#include <utility>

#include "data/slide/length_unit.h"
#include "data/slide/number.h"
#include "data/slide/side_limit.h"
#include "data/slide/xml_tags.h"
#include "lib/core/lower_case.h"

namespace untiled {
namespace {

constexpr std::array<std::string_view, 4> kOtherPictures = {"macro", "label", "thumbnail",
                                                            "overview"};

constexpr std::string_view kSeparators = "|\r\n";  ///< Of Aperio's list.

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

/// "slide label" is the slide's label.
std::string_view without_slide(std::string_view line) {
  constexpr std::string_view kSlide = "slide";
  const bool is_first =
      line.starts_with(kSlide) && line.size() > kSlide.size() && !is_letter(line[kSlide.size()]);
  return is_first ? line.substr(kSlide.size() + 1) : line;
}

/// OMERO puts an image's name in brackets behind the file's: "scan.svs [macro image]".
bool ends_with_other_picture(std::string_view line) {
  if (!line.ends_with(']') && !line.ends_with(')')) return false;
  const size_t open = line.find_last_of("[(");
  return open != std::string_view::npos &&
         begins_with_other_picture(trimmed(line.substr(open + 1)));
}

/// The name behind a file's or a number: "scan.svs #2 macro", "scan/label", "slide: overview
/// image".
bool has_other_last_part(std::string_view line) {
  const size_t separator = line.find_last_of("/\\|:#");
  if (separator == std::string_view::npos) return false;
  std::string_view part = line.substr(separator + 1);
  part.remove_prefix(std::min(part.find_first_not_of("0123456789 "), part.size()));
  return std::any_of(kOtherPictures.begin(), kOtherPictures.end(), [&](std::string_view word) {
    if (!part.starts_with(word)) return false;
    const std::string_view rest = trimmed(part.substr(word.size()));
    return rest.empty() || rest == "image";
  });
}

/// PerkinElmer's <ImageType>Label</ImageType>.
bool has_other_image_type(std::string_view lower) {
  constexpr std::string_view kTag = "<imagetype>";
  const size_t at = lower.find(kTag);
  return at != std::string_view::npos && begins_with_other_picture(lower.substr(at + kTag.size()));
}

/// The value of `key`, of either case, in a list of "key = value".
std::optional<std::string> value_of(std::string_view text, std::string_view separators,
                                    std::string_view key) {
  std::optional<std::string> value;
  for_each_part(text, separators, [&](std::string_view part) {
    const size_t equals = part.find('=');
    if (equals == std::string_view::npos) return;
    if (lower_case(std::string(trimmed(part.substr(0, equals)))) != key) return;
    if (!value) value = trimmed(part.substr(equals + 1));
  });
  return value;
}

/// The size behind the corner in "[x,y width x height]", as Aperio writes it.
std::optional<Extent> extent_in_brackets(std::string_view description) {
  const size_t open = description.find('[');
  if (open == std::string_view::npos) return std::nullopt;
  const std::string_view part = description.substr(open, description.find(']', open) - open);
  const size_t space = part.find(' ');
  const size_t times = part.find('x');
  if (space == std::string_view::npos || times == std::string_view::npos || times < space) {
    return std::nullopt;
  }
  const auto cols = spelled_number<int64_t>(part.substr(space, times - space));
  const auto rows = spelled_number<int64_t>(part.substr(times + 1));
  const auto is_size = [](const auto& side) { return side && *side > 0 && *side < kMaxSide; };
  return is_size(cols) && is_size(rows) ? std::optional(Extent{*rows, *cols}) : std::nullopt;
}

/// Aperio's "MPP = 0.25|AppMag = 40", which Motic, Grundium and others have taken over.
std::vector<ScaleClaim> listed_scales(const TiffDirectory& directory) {
  const std::string_view text = directory.description;
  ScaleClaim guessed =
      objective_claim(spelled_number<double>(value_of(text, kSeparators, "appmag")));
  guessed.doubt = resizing_doubt(text, directory.extent);
  return {listed_claim(text, directory.extent), guessed};
}

/// The value of a property in the XML that libvips keeps its image's header in.
std::optional<double> vips_value(std::string_view xml, std::string_view name) {
  const std::string start = "<name>" + std::string(name) + "</name>";
  const size_t at = xml.find(start);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view tag = find_tag(xml, "value", at + start.size());
  if (tag.empty()) return std::nullopt;
  const std::string_view rest = xml.substr(std::min(end_of(xml, tag) + 1, xml.size()));
  return spelled_number<double>(rest.substr(0, rest.find('<')));
}

/// libvips takes the slide's properties over as OpenSlide named them, whatever was done to its
/// pixels since: they count where the image has the slide's size still.
std::vector<ScaleClaim> vips_scales(const TiffDirectory& directory) {
  const std::string_view xml = directory.description;
  const auto has_size = [&](const char* name, int64_t size) {
    return vips_value(xml, name) == static_cast<double>(size);
  };
  if (!has_size("openslide.level[0].width", directory.extent.cols) ||
      !has_size("openslide.level[0].height", directory.extent.rows)) {
    return {};
  }
  return {{"vendor", vips_value(xml, "openslide.mpp-x"), vips_value(xml, "openslide.mpp-y")}};
}

/// Micrometres of a pixel of which `per_unit` are one `unit`; a unit that is not understood is
/// noted in `claim`.
std::optional<double> imagej_scale(const std::string& unit, double per_unit, ScaleClaim& claim) {
  const auto um = unit_um(unit);
  const std::string word = lower_case(unit);
  if (!um && word != "pixel" && word != "pixels") claim.unknown_unit = unit;
  return um && per_unit > 0 ? std::optional(*um / per_unit) : std::nullopt;
}

/// ImageJ counts pixels a unit of its own; rows have one of their own where they differ.
std::vector<ScaleClaim> imagej_scales(const TiffDirectory& directory) {
  const auto unit = value_of(directory.description, "\r\n", "unit");
  if (!unit || unit->empty()) return {};
  const auto of_rows = value_of(directory.description, "\r\n", "yunit");
  ScaleClaim claim{"imagej", {}, {}};
  claim.mpp_x = imagej_scale(*unit, directory.x_resolution, claim);
  claim.mpp_y = imagej_scale(of_rows.value_or(*unit), directory.y_resolution, claim);
  return {claim};
}

}  // namespace

bool is_imagej(const TiffDirectory& directory) {
  return directory.description.starts_with("ImageJ=");
}

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
    found = found || begins_with_other_picture(without_slide(line)) ||
            ends_with_other_picture(line) || has_other_last_part(line);
  });
  return found;
}

std::vector<ScaleClaim> described_scales(const TiffDirectory& directory) {
  constexpr std::string_view kVips = "http://www.vips.ecs.soton.ac.uk/";
  if (is_imagej(directory)) return imagej_scales(directory);
  if (directory.description.find(kVips) != std::string::npos) return vips_scales(directory);
  return listed_scales(directory);
}

std::string resizing_doubt(std::string_view description, const Extent& extent) {
  const auto described = extent_in_brackets(description);
  if (!described || extent.cols >= described->cols || extent.rows >= described->rows) return {};
  if (!has_shape_of(*described, {extent, {}, {}})) return {};  // A part that was cut out.
  return fmt::format(
      "its description is of a picture of {}, where it has {}: it was made smaller, and the scale "
      "is not believed; give it with data.assume_mpp or the manifest's mpp column",
      to_string(*described), to_string(extent));
}

ScaleClaim listed_claim(std::string_view description, const Extent& extent) {
  SpelledLength length = spelled_length(value_of(description, kSeparators, "mpp").value_or(""));
  return {"vendor", length.um, length.um, std::move(length.unknown_unit),
          resizing_doubt(description, extent)};
}

bool is_aperio(const TiffDirectory& directory) {
  return directory.description.starts_with("Aperio");
}

}  // namespace untiled
