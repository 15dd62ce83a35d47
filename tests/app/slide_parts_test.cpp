#include "app/pipeline/slide_parts.h"

#include <algorithm>

#include "lib/layered/partition.h"
#include "tests/catch.h"

namespace untiled {
namespace {

std::vector<int64_t> pixels_by_rank(const SlideParts& parts) {
  std::vector<int64_t> pixels(parts.front().size(), 0);
  for (const std::vector<Region>& of_slide : parts) {
    for (size_t rank = 0; rank < of_slide.size(); ++rank) pixels[rank] += of_slide[rank].area();
  }
  return pixels;
}

TEST_CASE("parts of slides are all of them, once, cut between bands") {
  const TileLattice lattice{.tile = 32};
  const std::vector<Extent> slides = {{1000, 300}, {1, 1}, {77, 900}, {96, 40}};
  for (const int ranks : {1, 2, 3, 5, 40}) {
    const SlideParts parts = slide_parts(slides, ranks, lattice);
    REQUIRE(parts.size() == slides.size());
    for (size_t i = 0; i < slides.size(); ++i) {
      const int64_t unit = Partition::band_rows(slides[i], lattice);
      int64_t row = 0;
      for (const Region& part : parts[i]) {
        if (part.empty()) continue;
        CHECK(part.rows.begin == row);
        CHECK(part.cols == Interval{0, slides[i].cols});
        row = part.rows.end;
        CHECK((row % unit == 0 || row == slides[i].rows));
      }
      CHECK(row == slides[i].rows);
    }
  }
}

TEST_CASE("two to four ranks have parts of a large slide that differ by three per cent at most") {
  for (const Extent& slide : {Extent{5632, 5632}, Extent{22'528, 22'528}}) {
    for (const int ranks : {2, 3, 4}) {
      const std::vector<int64_t> pixels =
          pixels_by_rank(slide_parts({slide}, ranks, TileLattice()));
      const int64_t most = *std::max_element(pixels.begin(), pixels.end());
      CHECK(static_cast<double>(most * ranks) <= 1.03 * static_cast<double>(slide.area()));
    }
  }
}

TEST_CASE("a large slide is shared evenly, and of many small ones each rank has some") {
  const TileLattice lattice{.tile = 32};
  const std::vector<int64_t> large = pixels_by_rank(slide_parts({{12'800, 500}}, 5, lattice));
  CHECK(large == std::vector<int64_t>(5, 12'800 * 500 / 5));
  const std::vector<int64_t> small =
      pixels_by_rank(slide_parts(std::vector<Extent>(8, {100, 100}), 4, lattice));
  CHECK(small == std::vector<int64_t>(4, 20'000));
}

}  // namespace
}  // namespace untiled
