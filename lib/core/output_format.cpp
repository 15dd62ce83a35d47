#include "lib/core/output_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "lib/core/error.h"

namespace untiled {
namespace {

struct FormatNames {
  OutputFormat format;
  const char* name;
  const char* ending;
  bool takes_probabilities = false;
};

constexpr std::array<FormatNames, 9> kFormats = {{
    {OutputFormat::kPng, "png", ".mask.png"},
    {OutputFormat::kOmeTiff, "ome-tiff", ".ome.tif"},
    {OutputFormat::kTiff, "tiff", ".tif"},
    {OutputFormat::kOmeZarr, "ome-zarr", ".mask.ome.zarr"},
    {OutputFormat::kOmeZarr04, "ome-zarr-0.4", ".mask.ome.zarr"},
    {OutputFormat::kGeoJson, "geojson", ".geojson"},
    {OutputFormat::kProbability, "probability", ".probability.tif", true},
    {OutputFormat::kProbabilityOmeZarr, "probability-ome-zarr", ".probability.ome.zarr", true},
    {OutputFormat::kPreview, "preview", ".preview.png"},
}};

const FormatNames& names_of(OutputFormat format) {
  return *std::find_if(kFormats.begin(), kFormats.end(),
                       [format](const FormatNames& names) { return names.format == format; });
}

}  // namespace

std::string to_string(OutputFormat format) { return names_of(format).name; }

bool needs_probabilities(OutputFormat format) { return names_of(format).takes_probabilities; }

std::string ending_of(OutputFormat format) { return names_of(format).ending; }

const std::vector<OutputFormat>& all_output_formats() {
  static const std::vector<OutputFormat> all = [] {
    std::vector<OutputFormat> formats;
    for (const FormatNames& names : kFormats) formats.push_back(names.format);
    return formats;
  }();
  return all;
}

const std::vector<std::string>& all_output_endings() {
  static const std::vector<std::string> all = [] {
    std::vector<std::string> endings = {".ome.zarr", ".zarr"};  // Of filtered slides alone.
    for (const FormatNames& names : kFormats) endings.emplace_back(names.ending);
    return endings;
  }();
  return all;
}

OutputFormat output_format(const std::string& name) {
  for (const FormatNames& names : kFormats) {
    if (name == names.name) return names.format;
  }
  throw ConfigError(fmt::format("--format: {} is none of the formats", name));
}

}  // namespace untiled
