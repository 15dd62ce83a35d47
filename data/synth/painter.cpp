#include "data/synth/painter.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "lib/core/random.h"

namespace untiled {
namespace {

constexpr int64_t kTissueOverlap = 32;
constexpr int64_t kGlassOverlap = 0;
constexpr int kStrengthBits = 8;  // Strengths are 0 ... 256.

/// Ink is smooth: a little thinner where the stain's field is low.
std::array<uint8_t, 3> ink_color(const std::array<uint8_t, 3>& full, int32_t strength) {
  std::array<uint8_t, 3> color{};
  for (size_t k = 0; k < 3; ++k) {
    const int32_t lighter = ((255 - full[k]) * (256 - strength)) >> (kStrengthBits + 2);
    color[k] = static_cast<uint8_t>(full[k] + lighter);
  }
  return color;
}

}  // namespace

Painter::Painter(const Scene& scene, const Patches& patches, uint64_t seed)
    : scene_(scene),
      tissue_(patches.tissue, kTissuePatchSide, kTissueOverlap, mix64(seed)),
      glass_(patches.glass, kGlassPatchSide, kGlassOverlap, mix64(seed + 1)),
      glass_color_(glass_.mean_color()) {
  for (const Section& section : scene.sections()) {
    stains_.push_back(stain_table(section.stain_powers()));
  }
}

Painter::StainTable Painter::stain_table(const std::array<double, 3>& powers) const {
  StainTable table{};
  for (size_t k = 0; k < 3; ++k) {
    for (size_t value = 0; value < 256; ++value) {
      const double light = 255.0 * std::pow(static_cast<double>(value) / 255.0, powers[k]);
      table[k][value] = static_cast<int16_t>(glass_color_[k] - std::lround(light));
    }
  }
  return table;
}

Painted Painter::paint(const Region& region) const {
  Painted painted{glass_.compose(region),
                  std::vector<Truth>(static_cast<size_t>(region.area()), Truth::kGlass)};
  for (size_t i = 0; i < scene_.sections().size(); ++i) paint_section(i, region, painted);
  return painted;
}

// The stain takes light away from the glass; where it is weak, glass shines through. The result
// stays within a byte because strengths are at most 1.
void Painter::paint_section(size_t index, const Region& region, Painted& painted) const {
  const Section& section = scene_.sections()[index];
  const Region part = intersect(region, section.box());
  if (part.empty()) return;
  const SectionFields fields = section.fields(part, scene_.step());
  if (fields.tissue.most() <= 0 && fields.ink.most() <= 0) return;

  const Bytes texture = fields.tissue.most() > 0 ? tissue_.compose(part) : Bytes();
  const StainTable& stain = stains_[index];
  const int scale_bits = 2 * std::countr_zero(static_cast<uint64_t>(scene_.step()));
  // Most tiles are tissue throughout or have no ink: then any one value stands for all.
  const auto width = static_cast<size_t>(part.cols.size());
  std::vector<int32_t> tissue(width, fields.tissue.most());
  std::vector<int32_t> ink(width, fields.ink.most());
  for (int64_t row = part.rows.begin; row < part.rows.end; ++row) {
    if (fields.tissue.mixed()) tissue = fields.tissue.row(row, part.cols);
    if (fields.ink.mixed()) ink = fields.ink.row(row, part.cols);
    const std::vector<int32_t> strength = fields.strength.row(row, part.cols);
    const int64_t first =
        (row - region.rows.begin) * region.cols.size() + part.cols.begin - region.cols.begin;
    Truth* truth = painted.truth.data() + first;
    uint8_t* out = painted.pixels.data() + first * 3;
    auto in = static_cast<size_t>((row - part.rows.begin) * part.cols.size() * 3);
    for (size_t i = 0; i < tissue.size(); ++i, out += 3, in += 3) {
      const int32_t share = strength[i] >> scale_bits;
      if (ink[i] > 0) {
        truth[i] = Truth::kInk;
        const auto color = ink_color(section.ink_color(), share);
        std::copy(color.begin(), color.end(), out);
      } else if (tissue[i] > 0) {
        truth[i] = Truth::kTissue;
        for (size_t k = 0; k < 3; ++k) {
          const int32_t taken = (stain[k][texture[in + k]] * share) >> kStrengthBits;
          out[k] = static_cast<uint8_t>(glass_color_[k] - taken);
        }
      }
    }
  }
}

}  // namespace untiled
