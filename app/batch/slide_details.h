// What one verb says of a slide beside what all verbs say: its part of a record.
#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace untiled {

/// Numbers by the names of classes, in the order of the classes.
using NumbersByClass = std::vector<std::pair<std::string, double>>;

/// A verb that adds nothing, and a slide that failed.
struct NoDetails {};

/// A tissue mask of `label`.
struct LabelDetails {
  std::string method;
  int64_t mask_downsample = 1;  ///< Level-0 pixels per pixel of the mask.
  std::optional<double> threshold;
};

/// A mask of `export`.
struct MaskDetails {
  std::optional<double> mask_downsample;              ///< Of the PNG, where one was written.
  NumbersByClass fractions;                           ///< Of the pixels with data.
  std::optional<int64_t> decoded_by_nvimgcodec = {};  ///< Tiles, by rank 0, where it decodes.
};

/// What a classifier says of a slide.
struct ClassDetails {
  NumbersByClass probabilities;
  std::string label;  ///< The most probable class.
};

/// The stains of a slide, see filters::Stains.
struct StainDetails {
  std::array<std::array<double, 3>, 2> vectors = {};
  std::array<double, 2> high = {};
};

/// A filtered slide of `tile`.
struct TileDetails {
  std::string filter;
  std::optional<StainDetails> stains;
  std::optional<int64_t> decoded_by_nvimgcodec;  ///< Tiles, where a device filtered.
  std::optional<int64_t> read_by_kvikio;
  int64_t decoded_tiles = 0;
  std::string device;
  std::optional<std::string> kvikio_mode;
};

/// Pixels of one class, sorted by what reference and prediction say.
struct ClassPixels {
  int64_t true_positive = 0;
  int64_t false_positive = 0;
  int64_t false_negative = 0;
};

/// A slide that `evaluate` compared with its reference.
struct ScoreDetails {
  std::optional<double> dice;       ///< Mean over the classes; none where it is undefined.
  std::vector<ClassPixels> pixels;  ///< By class.
  std::optional<int64_t> decoded_by_nvimgcodec = {};  ///< Tiles, by rank 0, where it decodes.
};

using SlideDetails =
    std::variant<NoDetails, LabelDetails, MaskDetails, ClassDetails, TileDetails, ScoreDetails>;

/// For people's programs: what is known, each by its name.
nlohmann::ordered_json to_json(const SlideDetails& details);
/// For records: the same below the name of its kind.
nlohmann::ordered_json to_record(const SlideDetails& details);
/// The other way round of to_record. Throws DataError or a json::exception for JSON of another
/// shape.
SlideDetails slide_details(const nlohmann::ordered_json& record);

}  // namespace untiled
