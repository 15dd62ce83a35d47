// What OME-Zarr 0.4 and 0.5 say of an image, as attributes of its group.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "lib/zarr/array_metadata.h"

namespace untiled {

/// 0.4 lies in Zarr 2, 0.5 in Zarr 3.
enum class OmeVersion { k04, k05 };

ZarrFormat zarr_format(OmeVersion version);
/// "0.4".
std::string to_string(OmeVersion version);

struct OmeAxis {
  std::string name;
  std::string type = {};  ///< "space", "channel", "time".
  std::string unit = {};  ///< Empty: not said.
};

/// An array of a multiscale image, with its elements' size and the place of the first one, one
/// number an axis.
struct OmeDataset {
  std::string path;
  std::vector<double> scale;
  std::vector<double> translation = {};  ///< Empty: none.
};

/// How viewers draw a channel.
struct OmeZarrChannel {
  std::string label;
  std::array<uint8_t, 3> color = {255, 255, 255};
  double least = 0;
  double most = 255;
};

/// A value of a label image.
struct OmeLabelValue {
  int64_t value = 0;
  std::array<uint8_t, 4> rgba = {0, 0, 0, 255};
  std::string name;
};

/// What makes an image one of labels.
struct OmeLabels {
  std::vector<OmeLabelValue> values;
  bool of_image = false;  ///< Lies in the folder labels of the image that it belongs to.
};

struct OmeMetadata {
  OmeVersion version = OmeVersion::k05;
  std::string name;
  std::vector<OmeAxis> axes;
  std::vector<OmeDataset> datasets;      ///< Largest first.
  std::string method;                    ///< How levels were made: "mean", "mode"; empty: not said.
  std::vector<OmeZarrChannel> channels;  ///< Empty: viewers are told nothing.
  std::optional<OmeLabels> labels;
};

/// Writes the metadata of an image's group into its folder, the file that makes it one last. Throws
/// DataError.
void write_image_group(const std::filesystem::path& folder, const OmeMetadata& metadata);
/// The group `labels` of an image, which lists its label images.
void write_labels_group(const std::filesystem::path& folder, OmeVersion version,
                        const std::vector<std::string>& names);

}  // namespace untiled
