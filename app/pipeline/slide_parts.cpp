#include "app/pipeline/slide_parts.h"

#include <algorithm>

#include "lib/layered/partition.h"

namespace untiled {

SlideParts slide_parts(const std::vector<Extent>& slides, int ranks, const TileLattice& lattice) {
  int64_t total = 0;
  for (const Extent& slide : slides) total += slide.area();
  SlideParts parts;
  int64_t above = 0;  // Pixels of slides, and of this one's rows, that were given to ranks.
  for (const Extent& slide : slides) {
    std::vector<Region>& of_slide = parts.emplace_back(
        static_cast<size_t>(ranks), Region{{slide.rows, slide.rows}, {0, slide.cols}});
    const int64_t unit = Partition::band_rows(slide, lattice);
    for (int64_t row = 0; row < slide.rows; row += unit) {
      const int64_t end = std::min(slide.rows, row + unit);
      const int64_t area = (end - row) * slide.cols;
      // Rows go to the rank in whose share their middle lies.
      const int64_t rank = (2 * above + area) * ranks / (2 * total);
      Interval& rows = of_slide[static_cast<size_t>(rank)].rows;
      rows = {std::min(rows.begin, row), end};
      above += area;
    }
  }
  return parts;
}

}  // namespace untiled
