#include "lib/output/contours.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "lib/core/random.h"
#include "lib/output/simplify.h"
#include "tests/catch.h"

namespace untiled {
namespace {

/// A mask of characters: '#' is foreground.
using Drawing = std::vector<std::string>;

std::vector<PixelPolygon> trace(const Drawing& drawing) {
  std::vector<PixelPolygon> polygons;
  ContourTracer tracer([&](const PixelPolygon& polygon) { polygons.push_back(polygon); });
  for (const std::string& line : drawing) {
    tracer.add_row(edges_of(runs_of({reinterpret_cast<const uint8_t*>(line.data()), line.size()}),
                            uint8_t{'#'}));
  }
  tracer.finish();
  return polygons;
}

/// The exterior and the holes.
std::vector<Ring> rings_of(const PixelPolygon& polygon) {
  std::vector<Ring> rings = {polygon.exterior};
  polygon.holes.for_each([&](const Ring& ring) { rings.push_back(ring); });
  return rings;
}

/// Whether the centre of a pixel lies inside by the even-odd rule: vertical edges to its left.
bool holds(const PixelPolygon& polygon, int col, int row) {
  bool inside = false;
  for (const Ring& ring : rings_of(polygon)) {
    for (size_t i = 0; i < ring.size(); ++i) {
      const PixelCorner a = ring[i];
      const PixelCorner b = ring[(i + 1) % ring.size()];
      const bool crosses =
          a.x == b.x && a.x <= col && std::min(a.y, b.y) <= row && row < std::max(a.y, b.y);
      inside ^= crosses;
    }
  }
  return inside;
}

Drawing random_drawing(uint64_t seed, int rows, int cols, double density) {
  Random random(seed);
  Drawing drawing(static_cast<size_t>(rows), std::string(static_cast<size_t>(cols), '.'));
  for (std::string& line : drawing) {
    for (char& c : line) c = random.uniform() < density ? '#' : '.';
  }
  return drawing;
}

void require_simple(const Ring& ring) {
  std::set<std::pair<int, int>> seen;
  for (size_t i = 0; i < ring.size(); ++i) {
    const PixelCorner a = ring[i];
    const PixelCorner b = ring[(i + 1) % ring.size()];
    const PixelCorner c = ring[(i + 2) % ring.size()];
    REQUIRE(seen.emplace(a.x, a.y).second);
    REQUIRE((a.x == b.x) != (a.y == b.y));
    REQUIRE((a.x == b.x) != (b.x == c.x));  // Every corner is one.
  }
}

}  // namespace

TEST_CASE("a hole is a ring of its piece, and an island in it a piece of its own") {
  const auto polygons = trace({"#######", "#.....#", "#.###.#", "#.###.#", "#.....#", "#######"});
  REQUIRE(polygons.size() == 2);
  CHECK(polygons[0].pixels == 6);
  CHECK(polygons[0].exterior.size() == 4);
  CHECK(polygons[0].holes.rings() == 0);
  CHECK(polygons[1].pixels == 22);
  CHECK(polygons[1].exterior.size() == 4);
  CHECK(polygons[1].holes.rings() == 1);
}

TEST_CASE("pieces that touch at a corner are apart, holes that touch at a corner too") {
  CHECK(trace({"#.", ".#"}).size() == 2);
  CHECK(trace({".#", "#."}).size() == 2);
  const auto holes = trace({"####", "#.##", "##.#", "####"});
  REQUIRE(holes.size() == 1);
  CHECK(holes[0].holes.rings() == 2);
  // The border of one piece that touches itself: a pocket becomes a hole.
  const auto pocket = trace({"###", "#.#", "##."});
  REQUIRE(pocket.size() == 1);
  CHECK(pocket[0].holes.rings() == 1);
}

TEST_CASE("an empty mask has no polygons") {
  CHECK(trace({"...", "..."}).empty());
  CHECK(trace({}).empty());
}

TEST_CASE("polygons of random masks hold just their pixels") {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    const int rows = 1 + static_cast<int>(seed * 7 % 23);
    const int cols = 1 + static_cast<int>(seed * 5 % 31);
    const Drawing drawing =
        random_drawing(seed, rows, cols, 0.2 + 0.01 * static_cast<double>(seed));
    const auto polygons = trace(drawing);
    int64_t pixels = 0;
    for (const PixelPolygon& polygon : polygons) {
      pixels += polygon.pixels;
      for (const Ring& ring : rings_of(polygon)) require_simple(ring);
    }
    int64_t drawn = 0;
    for (int row = 0; row < rows; ++row) {
      for (int col = 0; col < cols; ++col) {
        const bool inside = drawing[static_cast<size_t>(row)][static_cast<size_t>(col)] == '#';
        const auto holders = std::count_if(polygons.begin(), polygons.end(),
                                           [&](const auto& p) { return holds(p, col, row); });
        REQUIRE(holders == (inside ? 1 : 0));
        drawn += inside ? 1 : 0;
      }
    }
    CHECK(pixels == drawn);
  }
}

TEST_CASE("a simplified border keeps its holes and stays where it was") {
  Drawing disc(80, std::string(80, '.'));
  for (int row = 0; row < 80; ++row) {
    for (int col = 0; col < 80; ++col) {
      const int r2 = (row - 40) * (row - 40) + (col - 40) * (col - 40);
      if (r2 < 35 * 35 && r2 > 12 * 12)
        disc[static_cast<size_t>(row)][static_cast<size_t>(col)] = '#';
    }
  }
  const PixelPolygon exact = trace(disc).front();
  const std::vector<Ring> simple = Simplifier(1.0)(exact);
  REQUIRE(simple.size() == 2);
  CHECK(simple[0].size() < exact.exterior.size() / 2);
  for (const PixelCorner& corner : simple[0]) {
    CHECK(std::find(exact.exterior.begin(), exact.exterior.end(), corner) != exact.exterior.end());
  }
  CHECK(Simplifier(0)(exact).empty());
}

}  // namespace untiled
