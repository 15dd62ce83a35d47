#include "lib/filters/filter_spec.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "lib/core/error.h"
#include "lib/core/number.h"

namespace untiled::filters {
namespace {

/// What a filter makes of its input's samples.
enum class Makes { kFloats, kBytes, kSame };

struct Known {
  FilterKind kind;
  const char* name;
  bool needs_bytes;
  Makes makes;
};

constexpr std::array<Known, 6> kKnown = {{
    {FilterKind::kSobel, "sobel", false, Makes::kFloats},
    {FilterKind::kGaussian, "gaussian", false, Makes::kFloats},
    {FilterKind::kMedian, "median", false, Makes::kSame},
    {FilterKind::kAbsorbance, "absorbance", true, Makes::kFloats},
    {FilterKind::kSeparation, "separation", true, Makes::kFloats},
    {FilterKind::kMacenko, "macenko", true, Makes::kBytes},
}};

/// A halo of 4 sigma must fit into memory beside the rows.
constexpr double kLargestSigma = 64;
constexpr double kSmallestSigma = 0.1;
/// Of `gaussian` without a number, in pixels.
constexpr double kUsualSigma = 2.5;

const Known& known(FilterKind kind) {
  return *std::find_if(kKnown.begin(), kKnown.end(),
                       [kind](const Known& k) { return k.kind == kind; });
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  size_t begin = 0;
  for (size_t end = text.find(separator); end != std::string::npos;
       end = text.find(separator, begin)) {
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  parts.push_back(text.substr(begin));
  return parts;
}

FilterSpec gaussian(const std::string& text, const std::vector<std::string>& parts) {
  const auto sigma = parts.size() > 1 ? parse_number<double>(parts[1]) : kUsualSigma;
  const bool to_bytes = parts.size() == 3 && parts[2] == "uint8";
  if (!sigma || !(*sigma >= kSmallestSigma && *sigma <= kLargestSigma) ||
      (parts.size() > 2 && !to_bytes)) {
    throw ConfigError(
        fmt::format("--filter {}: expected gaussian, gaussian:SIGMA or gaussian:SIGMA:uint8, SIGMA "
                    "from {} to {} "
                    "pixels",
                    text, kSmallestSigma, kLargestSigma));
  }
  return {FilterKind::kGaussian, *sigma, to_bytes};
}

FilterSpec parse_one(const std::string& text) {
  const std::vector<std::string> parts = split(text, ':');
  const auto found = std::find_if(kKnown.begin(), kKnown.end(),
                                  [&](const Known& k) { return parts.front() == k.name; });
  if (found == kKnown.end()) {
    throw ConfigError(
        fmt::format("--filter {}: there is no such filter; known are {}", text, filter_names()));
  }
  if (found->kind == FilterKind::kGaussian) return gaussian(text, parts);
  if (parts.size() > 1) {
    throw ConfigError(fmt::format("--filter {}: {} takes no number", text, found->name));
  }
  return {found->kind};
}

Sample sample_after(const FilterSpec& filter, Sample before) {
  const Makes makes = known(filter.kind).makes;
  if (makes == Makes::kSame) return before;
  return makes == Makes::kBytes || filter.to_bytes ? Sample::kUint8 : Sample::kFloat32;
}

void require_fitting(const std::vector<FilterSpec>& chain) {
  Sample sample = Sample::kUint8;
  for (size_t i = 0; i < chain.size(); ++i) {
    const Known& filter = known(chain[i].kind);
    if (chain[i].kind == FilterKind::kMacenko && i > 0) {
      throw ConfigError(
          "--filter: macenko normalises the slide's own colours, so it comes first in a chain");
    }
    if (filter.needs_bytes && sample != Sample::kUint8) {
      throw ConfigError(fmt::format(
          "--filter: {} takes bytes, but the filter before it makes float32; change their order",
          filter.name));
    }
    sample = sample_after(chain[i], sample);
  }
}

}  // namespace

std::string filter_names() {
  return "none, sobel, gaussian[:SIGMA], median, absorbance, separation, macenko";
}

std::vector<FilterSpec> parse_filters(const std::string& list) {
  std::vector<FilterSpec> chain;
  if (list == "none") return chain;
  for (const std::string& text : split(list, ',')) chain.push_back(parse_one(text));
  require_fitting(chain);
  return chain;
}

Sample output_sample(const std::vector<FilterSpec>& chain) {
  Sample sample = Sample::kUint8;
  for (const FilterSpec& filter : chain) sample = sample_after(filter, sample);
  return sample;
}

}  // namespace untiled::filters
