#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "data/synth/patches.h"
#include "lib/core/error.h"
#include "lib/core/random.h"
#include "lib/core/stop.h"

namespace untiled {
namespace {

constexpr int kTries = 600;            // Windows that are looked at.
constexpr size_t kTissuePatches = 96;  // Windows that are kept, at most.
constexpr size_t kGlassPatches = 32;
constexpr double kEnoughTissue = 0.93;  // Part of a window; kept at once.
constexpr double kLeastTissue = 0.60;   // Kept where nothing better is found.
constexpr double kLeastGlass = 0.999;
constexpr int64_t kChannels = 3;

/// Tissue is coloured or dark, glass bright and grey.
bool is_tissue(const uint8_t* pixel) {
  const auto [low, high] = std::minmax({pixel[0], pixel[1], pixel[2]});
  return high - low > 24 || high < 180;
}
bool is_glass(const uint8_t* pixel) {
  const auto [low, high] = std::minmax({pixel[0], pixel[1], pixel[2]});
  return low > 200 && high - low < 20;
}

template <typename Test>
double fraction(const Bytes& pixels, Test test) {
  int64_t hits = 0;
  for (size_t i = 0; i + 2 < pixels.size(); i += 3) hits += test(pixels.data() + i) ? 1 : 0;
  return static_cast<double>(hits) * kChannels / static_cast<double>(pixels.size());
}

/// A square of `side` pixels at the block's corner; a smaller block is mirrored at its edges.
Bytes square_of(const PixelBlock& block, int64_t top, int64_t left, int64_t side) {
  const Extent extent = block.region.extent();
  const auto fold = [](int64_t at, int64_t size) {
    const int64_t period = at % (2 * size);
    return period < size ? period : 2 * size - 1 - period;
  };
  Bytes square;
  square.reserve(static_cast<size_t>(side * side * kChannels));
  for (int64_t row = 0; row < side; ++row) {
    for (int64_t col = 0; col < side; ++col) {
      const int64_t pixel =
          fold(top + row, extent.rows) * extent.cols + fold(left + col, extent.cols);
      const auto begin = block.bytes.begin() + pixel * kChannels;
      square.insert(square.end(), begin, begin + kChannels);
    }
  }
  return square;
}

Region random_window(Random& random, const Extent& extent) {
  const Extent size{std::min(extent.rows, kTissuePatchSide),
                    std::min(extent.cols, kTissuePatchSide)};
  const int64_t top = random.below(extent.rows - size.rows + 1);
  const int64_t left = random.below(extent.cols - size.cols + 1);
  return {{top, top + size.rows}, {left, left + size.cols}};
}

struct Candidate {
  double tissue_fraction;
  Bytes pixels;
};

/// The best windows that a search has met, and the glass beside them.
class Search {
 public:
  bool complete() const { return good_ == kTissuePatches && glass_.size() == kGlassPatches; }

  void look_at(const PixelBlock& window) {
    const double tissue = fraction(window.bytes, is_tissue);
    if (tissue >= kLeastTissue) keep(tissue, window);
    if (tissue < kEnoughTissue) collect_glass(window);
  }

  std::vector<Bytes> take_tissue() {
    std::vector<Bytes> patches;
    for (Candidate& candidate : candidates_) {
      // Second-rate windows are for slides that have no better.
      if (!patches.empty() && candidate.tissue_fraction < kEnoughTissue && good_ >= 8) break;
      patches.push_back(std::move(candidate.pixels));
    }
    return patches;
  }
  std::vector<Bytes> take_glass() { return std::move(glass_); }

 private:
  void keep(double tissue, const PixelBlock& window) {
    const auto better = [](const Candidate& a, const Candidate& b) {
      return a.tissue_fraction > b.tissue_fraction;
    };
    Candidate candidate{tissue, {}};
    const auto at = std::upper_bound(candidates_.begin(), candidates_.end(), candidate, better);
    if (candidates_.size() == kTissuePatches && at == candidates_.end()) return;
    candidate.pixels = square_of(window, 0, 0, kTissuePatchSide);
    candidates_.insert(at, std::move(candidate));
    if (candidates_.size() > kTissuePatches) candidates_.pop_back();
    good_ = static_cast<size_t>(
        std::count_if(candidates_.begin(), candidates_.end(),
                      [](const Candidate& c) { return c.tissue_fraction >= kEnoughTissue; }));
  }

  void collect_glass(const PixelBlock& window) {
    const Extent extent = window.region.extent();
    for (int64_t top = 0; top + kGlassPatchSide <= extent.rows; top += kGlassPatchSide) {
      for (int64_t left = 0; left + kGlassPatchSide <= extent.cols; left += kGlassPatchSide) {
        if (glass_.size() == kGlassPatches) return;
        Bytes square = square_of(window, top, left, kGlassPatchSide);
        if (fraction(square, is_glass) >= kLeastGlass) glass_.push_back(std::move(square));
      }
    }
  }

  std::vector<Candidate> candidates_;  // The most tissue first.
  size_t good_ = 0;
  std::vector<Bytes> glass_;
};

using Means = std::array<double, 3>;

Means mean_of(const Bytes& pixels) {
  Means sums{};
  for (size_t i = 0; i < pixels.size(); ++i) sums[i % 3] += pixels[i];
  for (double& sum : sums)
    sum *= static_cast<double>(kChannels) / static_cast<double>(pixels.size());
  return sums;
}

/// Glass patches come from different places; without this their borders would show.
std::vector<Bytes> even_out(std::vector<Bytes> patches) {
  Means target{};
  for (const Bytes& patch : patches) {
    const Means mean = mean_of(patch);
    for (size_t k = 0; k < 3; ++k) target[k] += mean[k] / static_cast<double>(patches.size());
  }
  for (Bytes& patch : patches) {
    const Means mean = mean_of(patch);
    for (size_t i = 0; i < patch.size(); ++i) {
      const double value = patch[i] + target[i % 3] - mean[i % 3];
      patch[i] = static_cast<uint8_t>(std::clamp(value + 0.5, 0.0, 255.0));
    }
  }
  return patches;
}

}  // namespace

Patches sample_patches(const PixelSource& slide, const std::string& name, uint64_t seed) {
  Random random(seed);
  Search search;
  for (int i = 0; i < kTries && !search.complete(); ++i) {
    throw_if_stopped();
    search.look_at(slide.read(random_window(random, slide.extent())));
  }
  Patches patches{search.take_tissue(), even_out(search.take_glass())};
  if (patches.tissue.empty()) {
    throw DataError(
        fmt::format("{}: expected stained tissue on a bright background to take "
                    "texture from, found none; give another slide with --texture",
                    name));
  }
  if (patches.glass.empty()) patches.glass = draw_glass(seed);
  return patches;
}

}  // namespace untiled
