#include "data/tissue/spot_bands.h"

#include <algorithm>

#include "data/tissue/quantile.h"

namespace untiled {
namespace {

/// Those that many others lie in one row with: the rest are chance. Sorted across.
std::vector<SpotPlace> in_full_rows(std::vector<SpotPlace> places, double step, double length) {
  constexpr double kSameRow = 0.3;  // Of a step.
  constexpr double kLeastPart = 0.2;
  constexpr double kLeast = 10;
  std::sort(places.begin(), places.end(),
            [](const SpotPlace& p, const SpotPlace& q) { return p.across < q.across; });
  const double least = std::max(kLeast, kLeastPart * length / step);
  std::vector<SpotPlace> kept;
  size_t begin = 0;
  size_t end = 0;
  for (SpotPlace& place : places) {
    while (places[begin].across < place.across - kSameRow * step) ++begin;
    while (end < places.size() && places[end].across <= place.across + kSameRow * step) ++end;
    place.in_row = static_cast<double>(end - begin);
    if (place.in_row >= least) kept.push_back(place);
  }
  return kept;
}

/// Its first and last rows are those that have a good part of what its fullest row has: what lies
/// beyond is chance.
SpotBand band_of(const std::vector<SpotPlace>& places, size_t begin, size_t end, double step) {
  constexpr double kGoodPart = 0.5;
  double fullest = 0;
  std::vector<float> along;
  for (size_t i = begin; i < end; ++i) {
    fullest = std::max(fullest, places[i].in_row);
    along.push_back(static_cast<float>(places[i].along));
  }
  const auto is_full = [&](size_t i) { return places[i].in_row >= kGoodPart * fullest; };
  size_t first = begin;
  size_t last = end - 1;
  while (!is_full(first)) ++first;
  while (!is_full(last)) --last;
  SpotBand band;
  band.low = places[first].across;
  band.high = places[last].across;
  band.from = quantile(along, 0.02);
  band.to = quantile(along, 0.98);
  band.spots = end - begin;
  band.step = step;
  return band;
}

}  // namespace

std::vector<SpotBand> bands_of(const std::vector<SpotPlace>& places, double step, double gap,
                               double length, double depth) {
  constexpr double kLeastSpan = 0.25;  // Of the length.
  constexpr double kDeepest = 0.15;    // Of the depth.
  const std::vector<SpotPlace> rows = in_full_rows(places, step, length);
  std::vector<SpotBand> bands;
  size_t begin = 0;
  for (size_t i = 1; i <= rows.size(); ++i) {
    if (i < rows.size() && rows[i].across - rows[i - 1].across < gap) continue;
    const SpotBand band = band_of(rows, begin, i, step);
    begin = i;
    const bool is_side =
        band.to - band.from > kLeastSpan * length && band.high - band.low < kDeepest * depth;
    if (is_side) bands.push_back(band);
  }
  return bands;
}

}  // namespace untiled
