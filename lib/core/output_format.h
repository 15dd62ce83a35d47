// The kinds of files that are written for a slide, and how they are named.
#pragma once

#include <string>
#include <vector>

namespace untiled {

enum class OutputFormat {
  kPng,
  kOmeTiff,
  kTiff,
  kOmeZarr,
  kOmeZarr04,
  kGeoJson,
  kProbability,
  kProbabilityOmeZarr,
  kPreview
};

/// The name that --format knows: "png", "ome-tiff", "ome-zarr-0.4", "probability-ome-zarr", ...
std::string to_string(OutputFormat format);
/// What follows the slide's id in a file's name: ".mask.png", ".ome.tif", ...
std::string ending_of(OutputFormat format);
/// Whether its files hold probabilities, which a mask's classes do not tell.
bool needs_probabilities(OutputFormat format);
const std::vector<OutputFormat>& all_output_formats();
/// The endings of all that is written for a slide, filtered slides among them.
const std::vector<std::string>& all_output_endings();
/// Throws ConfigError for an unknown name.
OutputFormat output_format(const std::string& name);

}  // namespace untiled
