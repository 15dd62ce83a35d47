#include "data/tissue/robust.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include "lib/core/random.h"
#include "tests/catch.h"

namespace untiled {
namespace {

/// From a pixel to a place, in pixels.
double distance(int64_t row, int64_t col, double to_row, double to_col) {
  return std::hypot(static_cast<double>(row) - to_row, static_cast<double>(col) - to_col);
}

constexpr int64_t kRows = 400;
constexpr int64_t kCols = 560;
constexpr PixelSize kEightUm = {8, 8};

using Rgb3 = std::array<int, 3>;

/// A noisy picture that is painted area by area; what is tissue is remembered.
class Painting {
 public:
  explicit Painting(const Rgb3& glass) {
    overview_.extent = {kRows, kCols};
    overview_.rgb.resize(static_cast<size_t>(3 * kRows * kCols));
    truth_.assign(static_cast<size_t>(kRows * kCols), 0);
    fill([](int64_t, int64_t) { return true; }, glass, 1.5, false);
  }

  void fill(const std::function<bool(int64_t, int64_t)>& inside, const Rgb3& colour, double noise,
            bool is_tissue) {
    Random random(static_cast<uint64_t>(colour[0] * 65536 + colour[1] * 256 + colour[2]));
    for (int64_t row = 0; row < kRows; ++row) {
      for (int64_t col = 0; col < kCols; ++col) {
        if (!inside(row, col)) continue;
        const auto pixel = static_cast<size_t>(row * kCols + col);
        const double common = noise * random.normal();
        for (size_t c = 0; c < 3; ++c) {
          const double value = colour[c] + common + 0.5 * random.normal() * (noise > 0 ? 1 : 0);
          overview_.rgb[3 * pixel + c] =
              static_cast<uint8_t>(std::clamp(std::lround(value), 0L, 255L));
        }
        truth_[pixel] = is_tissue ? 1 : 0;
      }
    }
  }
  void tissue(const Rgb3& colour, double noise) {
    fill(
        [](int64_t row, int64_t col) {
          const double y = (static_cast<double>(row) - 210) / 120;
          const double x = (static_cast<double>(col) - 250) / 150;
          return x * x + y * y < 1 + 0.1 * std::sin(6 * std::atan2(y, x));
        },
        colour, noise, true);
  }

  TissueMask find() const { return robust_tissue(overview_, LabelSettings(), kEightUm); }
  double dice() const {
    const TissueMask mask = find();
    double both = 0;
    double sum = 0;
    for (size_t i = 0; i < truth_.size(); ++i) {
      both += mask.classes[i] * truth_[i];
      sum += mask.classes[i] + truth_[i];
    }
    return 2 * both / sum;
  }

 private:
  Overview overview_;
  std::vector<int> truth_;
};

auto box(int64_t top, int64_t left, int64_t height, int64_t width) {
  return [=](int64_t row, int64_t col) {
    return row >= top && row < top + height && col >= left && col < left + width;
  };
}

constexpr Rgb3 kGlassColour = {243, 242, 244};
constexpr Rgb3 kHE = {205, 130, 175};

}  // namespace

TEST_CASE("tissue is found whatever its stain, on bright, grey and dark backgrounds") {
  for (const auto& [glass, stain] : std::vector<std::pair<Rgb3, Rgb3>>{
           {kGlassColour, kHE},
           {kGlassColour, {222, 221, 224}},  // pale and grey
           {kGlassColour, {130, 90, 60}},    // DAB
           {{190, 190, 192}, {165, 130, 160}},
           {{12, 11, 13}, {24, 20, 26}},  // fluorescence: dim stroma
       }) {
    Painting painting(glass);
    painting.tissue(stain, 6);
    INFO(stain[0] << " on " << glass[0]);
    CHECK(painting.dice() > 0.97);
  }
}

TEST_CASE("padding, pens and frame lines are not tissue") {
  Painting painting(kGlassColour);
  painting.tissue(kHE, 8);
  painting.fill(box(0, 480, kRows, 80), {0, 0, 0}, 0, false);
  painting.fill(box(20, 20, 20, 300), {20, 60, 160}, 2, false);    // blue pen
  painting.fill(box(370, 20, 16, 300), {30, 30, 32}, 2, false);    // black pen
  painting.fill(box(60, 10, 300, 14), {60, 150, 70}, 2, false);    // green pen
  painting.fill(box(350, 0, 3, 470), {90, 90, 90}, 1, false);      // a line
  painting.fill(box(60, 440, 250, 16), {240, 125, 20}, 2, false);  // orange pen
  CHECK(painting.dice() > 0.96);
}

TEST_CASE("uneven light is no tissue") {
  Painting painting(kGlassColour);
  for (int64_t col = 0; col < kCols; ++col) {
    const int level = 243 - static_cast<int>(col / 14);
    painting.fill(box(0, col, kRows, 1), {level, level, level}, 1.5, false);
  }
  painting.tissue({190, 120, 165}, 6);
  CHECK(painting.dice() > 0.97);
}

TEST_CASE("the dark rim of a photograph is no tissue") {
  Painting painting(kGlassColour);
  const auto level_at = [](int64_t row, int64_t col) {
    const double y = static_cast<double>(row) / kRows - 0.5;
    const double x = static_cast<double>(col) / kCols - 0.5;
    const double outside = std::max(0.0, (std::hypot(x, y) - 0.35) / 0.35);
    return static_cast<int>(243 * (1 - 0.5 * outside * outside));
  };
  for (int level = 100; level <= 243; ++level) {
    painting.fill([&](int64_t row, int64_t col) { return level_at(row, col) == level; },
                  {level, level, level}, 0, false);
  }
  painting.tissue(kHE, 8);
  CHECK(painting.dice() > 0.97);
}

TEST_CASE("dim stroma between bright nuclei over a dark background is tissue as a whole") {
  Painting painting({4, 4, 5});
  painting.tissue({8, 8, 12}, 1.5);
  for (int64_t row = 110; row < 310; row += 12) {
    for (int64_t col = 130; col < 370; col += 12) {
      painting.fill(box(row, col, 3, 3), {60, 90, 200}, 4, true);
    }
  }
  CHECK(painting.dice() > 0.97);
}

TEST_CASE("faint smudges and dirt without colour are no tissue") {
  Painting painting(kGlassColour);
  painting.tissue(kHE, 8);
  painting.fill(box(40, 460, 80, 80), {226, 225, 227}, 1.5, false);
  painting.fill(box(340, 440, 30, 40), {120, 120, 121}, 6, false);
  CHECK(painting.dice() > 0.97);
}

/// A round spot of a printed frame.
void add_spot(Painting& painting, int64_t y, int64_t x, int64_t radius) {
  painting.fill(
      [=](int64_t row, int64_t col) {
        return (row - y) * (row - y) + (col - x) * (col - x) <= radius * radius;
      },
      {120, 121, 125}, 3, false);
}

/// Rows of round spots along all four sides, as slides for spatial transcriptomics have them. The
/// upper one may be farther from the border than the others.
void add_spot_frame(Painting& painting, int64_t top, int64_t margin, int64_t radius,
                    int64_t distance) {
  for (int64_t deep = 0; deep < 2; ++deep) {
    const int64_t edge = margin + deep * distance;
    for (int64_t x = margin; x < kCols - margin; x += distance) {
      add_spot(painting, top + deep * distance, x, radius);
      add_spot(painting, kRows - 1 - edge, x, radius);
    }
    for (int64_t y = top + 3 * distance; y < kRows - margin - 3 * distance; y += distance) {
      add_spot(painting, y, edge, radius);
      add_spot(painting, y, kCols - 1 - edge, radius);
    }
  }
}

TEST_CASE("a printed frame of spots is no tissue, nor is what lies outside of it") {
  for (const int64_t radius : {3, 5}) {
    for (const Rgb3& glass : {kGlassColour, Rgb3{150, 152, 149}}) {
      Painting painting(glass);
      painting.tissue({110, 60, 95}, 8);
      add_spot_frame(painting, 14, 14, radius, 3 * radius);
      INFO(radius << " on " << glass[0]);
      CHECK(painting.dice() > 0.97);
    }
  }
}

TEST_CASE("a frame of spots is found below the rows of another one") {
  Painting painting({150, 152, 149});
  painting.tissue({110, 60, 95}, 8);
  add_spot_frame(painting, 56, 14, 3, 9);
  for (int64_t x = 14; x < kCols - 14; x += 9) {
    add_spot(painting, 5, x, 3);
    add_spot(painting, 14, x, 3);
  }
  CHECK(painting.dice() > 0.97);
}

TEST_CASE("a frame of spots is found where tissue hides one of its sides") {
  constexpr int64_t kInside = kCols - 26;
  const Rgb3 stain = {110, 60, 95};
  SECTION("but for its corners") {
    Painting painting({150, 152, 149});
    add_spot_frame(painting, 14, 14, 3, 9);
    painting.fill(box(100, 330, 200, kInside - 330), stain, 8, true);
    painting.fill(box(100, kInside, 200, kCols - kInside), stain, 8, false);
    CHECK(painting.dice() > 0.95);
  }
  SECTION("with its corners, and nobody knows where the side is") {
    Painting painting({150, 152, 149});
    add_spot_frame(painting, 14, 14, 3, 9);
    const auto is_hidden = [](int64_t row, int64_t col) {
      return static_cast<double>(col) > 330 + 30 * std::sin(static_cast<double>(row) / 25);
    };
    painting.fill(is_hidden, stain, 8, false);
    painting.fill([&](int64_t row,
                      int64_t col) { return is_hidden(row, col) && row >= 26 && row < kRows - 26; },
                  stain, 8, true);
    CHECK(painting.dice() > 0.97);
  }
}

TEST_CASE("a paper label that is rougher than the glass is no tissue, whatever is printed on it") {
  Painting painting(kGlassColour);
  painting.tissue(kHE, 8);
  painting.fill(box(30, 12, 300, 60), {250, 236, 222}, 5, false);
  painting.fill(box(40, 20, 60, 40), {40, 40, 42}, 2, false);
  CHECK(painting.dice() > 0.97);
}

/// Stained unevenly at many scales, as tissue is and ink is not.
void add_textured_tissue(Painting& painting, const Rgb3& colour) {
  constexpr int kTones = 12;
  painting.tissue(colour, 8);
  const auto tone_at = [](int64_t row, int64_t col) {
    const auto y = static_cast<double>(row);
    const auto x = static_cast<double>(col);
    const double wave = std::sin(0.61 * y + 2 * std::sin(0.13 * x)) +
                        std::sin(0.47 * x + 2 * std::sin(0.11 * y)) + std::sin(0.05 * (x + 2 * y));
    return static_cast<int>((wave + 3) / 6 * kTones);
  };
  for (int tone = 0; tone <= kTones; ++tone) {
    const auto inside = [&](int64_t row, int64_t col) {
      const double y = (static_cast<double>(row) - 210) / 120;
      const double x = (static_cast<double>(col) - 250) / 150;
      return x * x + y * y < 0.85 && tone_at(row, col) == tone;
    };
    Rgb3 toned = colour;
    for (int& channel : toned) channel += (245 - channel) * (tone - kTones / 2) / 14;
    painting.fill(inside, toned, 8, true);
  }
}

TEST_CASE("a section that is stained blue, green or red throughout is no ink") {
  for (const Rgb3& stain : {Rgb3{70, 95, 175}, Rgb3{90, 150, 120}, Rgb3{205, 60, 80}}) {
    Painting painting(kGlassColour);
    add_textured_tissue(painting, stain);
    INFO(stain[0] << ' ' << stain[1] << ' ' << stain[2]);
    CHECK(painting.dice() > 0.97);
  }
}

TEST_CASE("pens of a stain's colour are no tissue, beside a section and over it") {
  for (const Rgb3& ink : {Rgb3{110, 40, 150}, Rgb3{85, 45, 165}, Rgb3{190, 30, 130}}) {
    Painting painting(kGlassColour);
    add_textured_tissue(painting, {215, 160, 195});
    painting.fill(box(20, 480, 340, 26), ink, 1, false);
    painting.fill(box(120, 20, 26, 260), ink, 1, false);
    INFO(ink[0] << ' ' << ink[1] << ' ' << ink[2]);
    CHECK(painting.dice() > 0.97);
  }
}

TEST_CASE("letters of a thin pen beside a section are no tissue, crumbs of the section are") {
  for (const Rgb3& ink : {Rgb3{120, 65, 35}, Rgb3{40, 150, 215}, Rgb3{110, 40, 150}}) {
    Painting painting(kGlassColour);
    add_textured_tissue(painting, {215, 160, 195});
    for (const int64_t top : {20, 110, 200, 290}) {
      painting.fill(box(top, 470, 60, 8), ink, 1, false);
      painting.fill(box(top + 52, 470, 8, 50), ink, 1, false);
    }
    painting.fill(box(360, 40, 12, 90), {200, 130, 175}, 14, true);
    INFO(ink[0] << ' ' << ink[1] << ' ' << ink[2]);
    CHECK(painting.dice() > 0.975);
  }
}

TEST_CASE("thin straight biopsies are tissue, where printed lines are not") {
  Painting painting(kGlassColour);
  painting.fill(box(100, 60, 14, 420), kHE, 8, true);
  painting.fill(box(200, 100, 18, 360), kHE, 8, true);
  painting.fill(box(300, 60, 10, 420), {120, 120, 121}, 2, false);
  CHECK(painting.dice() > 0.95);
}

TEST_CASE("the black around a round field of view is neither tissue nor the background") {
  Painting painting(kGlassColour);
  add_textured_tissue(painting, kHE);
  painting.fill([](int64_t row, int64_t col) { return distance(row, col, 200.0, 260.0) > 205; },
                {2, 2, 2}, 0.5, false);
  CHECK(painting.dice() > 0.96);
  CHECK(painting.find().confidence > 0.8);
}

TEST_CASE("a smudge that is larger than the biopsy beside it is no tissue") {
  Painting painting(kGlassColour);
  painting.fill(box(180, 60, 60, 70), kHE, 8, true);
  painting.fill(box(60, 260, 260, 240), {215, 214, 216}, 1.5, false);
  CHECK(painting.dice() > 0.96);
}

TEST_CASE("glass of another brightness that touches the section is no tissue") {
  Painting painting(kGlassColour);
  painting.fill(box(300, 0, 100, kCols), {222, 221, 223}, 1.5, false);
  painting.fill(box(297, 0, 4, kCols), {120, 120, 121}, 1.5, false);
  painting.tissue(kHE, 8);
  CHECK(painting.dice() > 0.97);
}

/// Walls as of fat's cells around empty ones.
void add_net(Painting& painting, int64_t side, const Rgb3& colour, double noise, bool is_tissue) {
  painting.fill(box(60, 60, 290, 430), kGlassColour, 1.5, is_tissue);
  painting.fill(
      [=](int64_t row, int64_t col) {
        const bool inside = row >= 60 && row < 350 && col >= 60 && col < 490;
        return inside && (row % side == 0 || (col + row / side % 2 * side / 2) % side == 0);
      },
      colour, noise, is_tissue);
}

void add_fat(Painting& painting, int64_t side) {
  add_net(painting, side, {215, 150, 190}, 4, true);
}

TEST_CASE("fat is tissue, but whether that is meant is not sure") {
  for (const int64_t side : {12, 16, 20}) {
    Painting painting(kGlassColour);
    add_fat(painting, side);
    painting.fill(box(140, 180, 100, 160), kHE, 8, true);
    INFO(side);
    CHECK(painting.dice() > 0.95);
    CHECK(painting.find().confidence < 0.9);
  }
}

TEST_CASE("fat is tissue where a threshold finds no more than the crossings of its walls") {
  constexpr Rgb3 kFaintWall = {237, 228, 236};
  for (const int64_t side : {16, 20, 24}) {
    Painting painting(kGlassColour);
    add_net(painting, side, kFaintWall, 1.5, true);
    painting.fill(box(140, 180, 100, 160), kHE, 8, true);
    INFO(side);
    CHECK(painting.dice() > 0.93);
  }
}

TEST_CASE("a net of scratches, which have no colour, is no fat") {
  Painting painting(kGlassColour);
  add_net(painting, 20, {226, 225, 227}, 1.5, false);
  painting.fill(box(140, 180, 100, 160), kHE, 8, true);
  CHECK(painting.dice() > 0.95);
}

TEST_CASE("tissue two grey levels over a dark and noisy background is found as a whole") {
  Painting painting({4, 4, 4});
  painting.tissue({5, 6, 8}, 0.7);
  CHECK(painting.dice() > 0.95);
}

/// Stained so faintly that some of it agrees with the glass.
void add_faint_tissue(Painting& painting) {
  const auto tone_at = [](int64_t row, int64_t col) {
    const auto y = static_cast<double>(row);
    const auto x = static_cast<double>(col);
    const double wave =
        std::sin(0.21 * y + 2 * std::sin(0.13 * x)) + std::sin(0.27 * x + 2 * std::sin(0.11 * y));
    return static_cast<int>(std::lround(2 * (wave + 2)));
  };
  painting.tissue({234, 233, 240}, 1.5);
  for (int tone = 0; tone <= 8; ++tone) {
    const auto inside = [&](int64_t row, int64_t col) {
      const double y = (static_cast<double>(row) - 210) / 120;
      const double x = (static_cast<double>(col) - 250) / 150;
      return x * x + y * y < 0.87 && tone_at(row, col) == tone;
    };
    painting.fill(inside, {239 - tone, 238 - tone, 242 - tone / 2}, 1.5, true);
  }
}

TEST_CASE("a section with hardly any stain is tissue as a whole") {
  Painting painting(kGlassColour);
  add_faint_tissue(painting);
  CHECK(painting.dice() > 0.95);
}

TEST_CASE("a faint section beside a strongly stained one is no smudge") {
  Painting painting(kGlassColour);
  add_faint_tissue(painting);
  painting.fill(box(150, 430, 120, 100), {110, 70, 60}, 14, true);
  CHECK(painting.dice() > 0.95);
}

TEST_CASE("mounting medium with a tint that ends in the picture is no tissue") {
  for (const Rgb3& tint : {Rgb3{240, 236, 228}, Rgb3{238, 238, 236}}) {
    Painting painting(kGlassColour);
    painting.fill(box(220, 0, 180, kCols), tint, 1.5, false);
    add_textured_tissue(painting, kHE);
    INFO(tint[2]);
    CHECK(painting.dice() > 0.97);
    CHECK(painting.find().confidence > 0.8);
  }
}

TEST_CASE("a smooth film around a section is no tissue, and the label says that it may be") {
  Painting painting(kGlassColour);
  painting.fill([](int64_t row, int64_t col) { return distance(row, col, 200.0, 250.0) < 185; },
                {240, 233, 239}, 1.5, false);
  add_textured_tissue(painting, kHE);
  CHECK(painting.dice() > 0.97);
  CHECK(painting.find().confidence < 0.9);
}

TEST_CASE("the frosted end of a slide is no tissue whatever its colour") {
  for (const Rgb3& end : {Rgb3{200, 203, 205}, Rgb3{150, 190, 220}, Rgb3{240, 180, 195}}) {
    Painting painting(kGlassColour);
    painting.tissue(kHE, 8);
    painting.fill(box(0, 0, kRows, 60), end, 5, false);
    INFO(end[0]);
    CHECK(painting.dice() > 0.97);
  }
}

TEST_CASE("air below the cover slip, a grey net, is no tissue where the section has a colour") {
  Painting painting(kGlassColour);
  const auto in_net = [](int64_t row, int64_t col) {
    return row >= 310 && (row % 10 < 3 || col % 10 < 3);
  };
  painting.tissue(kHE, 8);
  painting.fill(in_net, {150, 150, 151}, 2, false);
  CHECK(painting.dice() > 0.96);
  CHECK(painting.find().confidence < kDoubtful);
}

TEST_CASE(
    "a smooth part of a section is tissue, and the label says that it is as smooth as glass") {
  Painting painting(kGlassColour);
  painting.tissue({224, 196, 212}, 1.5);
  painting.fill(box(150, 110, 120, 90), kHE, 12, true);
  CHECK(painting.dice() > 0.97);
  CHECK(painting.find().confidence < kDoubtful);
}

/// Letters of a pen below each other.
void add_letters(Painting& painting, int64_t left, const Rgb3& ink) {
  for (const int64_t top : {30, 120, 210, 300}) {
    painting.fill(box(top, left, 6, 34), ink, 1, false);
    painting.fill(box(top, left + 14, 26, 6), ink, 1, false);
  }
}

TEST_CASE("writing on the coloured end of a slide takes nothing of a section of islands") {
  constexpr Rgb3 kFaint = {210, 190, 212};
  for (const Rgb3& end : {Rgb3{248, 226, 140}, Rgb3{225, 150, 85}}) {
    Painting painting(kGlassColour);
    painting.tissue(kFaint, 6);
    for (int64_t row = 110; row < 310; row += 34) {
      for (int64_t col = 130; col < 370; col += 34) {
        painting.fill(box(row, col, 24, 24), {180, 100, 175}, 16, true);
      }
    }
    painting.fill(box(0, 0, kRows, 64), end, 2, false);
    add_letters(painting, 12, {35, 45, 80});
    INFO(end[2]);
    CHECK(painting.dice() > 0.97);
  }
}

/// A ring that is dense in its middle and pale at its edges.
void add_soft_ring(Painting& painting, double radius, double edge, const Rgb3& ink) {
  constexpr int kTones = 8;
  for (int soft = kTones - 1; soft >= 0; --soft) {
    Rgb3 colour = ink;
    for (size_t c = 0; c < 3; ++c) {
      const double part = std::cos(1.57 * soft / kTones);
      colour[c] = static_cast<int>(243 * std::pow(ink[c] / 243.0, part));
    }
    painting.fill(
        [=](int64_t row, int64_t col) {
          const double from_middle = distance(row, col, 210.0, 250.0) - radius;
          return std::abs(from_middle) < 1 + edge * soft / kTones;
        },
        colour, 1, false);
  }
}

TEST_CASE("a pen's ring is no tissue, around a section and over its border") {
  for (const Rgb3& ink : {Rgb3{210, 62, 68}, Rgb3{60, 30, 90}, Rgb3{40, 60, 160}}) {
    for (const auto& [radius, edge] : {std::pair{153.0, 5.0}, std::pair{184.0, 12.0}}) {
      Painting painting(kGlassColour);
      add_textured_tissue(painting, {215, 160, 195});
      add_soft_ring(painting, radius, edge, ink);
      INFO(ink[0] << " at " << radius);
      CHECK(painting.dice() > 0.97);
    }
  }
}

TEST_CASE(
    "what a scanner filled with one colour around its fields is padding, whatever the colour") {
  constexpr Rgb3 kGreyGlass = {225, 221, 224};
  for (const Rgb3& fill : {Rgb3{250, 250, 250}, Rgb3{240, 240, 240}, Rgb3{252, 250, 244}}) {
    Painting painting(kGreyGlass);
    add_textured_tissue(painting, {190, 120, 165});
    painting.fill(box(0, 0, 80, kCols), fill, 0, false);
    painting.fill(box(340, 0, 60, kCols), fill, 0, false);
    painting.fill(box(0, 0, kRows, 80), fill, 0, false);
    painting.fill(box(0, 420, kRows, 140), fill, 0, false);
    INFO(fill[2]);
    CHECK(painting.dice() > 0.97);
  }
}

TEST_CASE("a paper label is no tissue, and not the glass where it is brighter") {
  for (const Rgb3& paper : {Rgb3{250, 249, 240}, Rgb3{205, 202, 221}}) {
    Painting painting({214, 213, 216});
    add_textured_tissue(painting, kHE);
    painting.fill(box(30, 8, 340, 80), paper, 1.5, false);
    painting.fill(box(50, 20, 40, 40), {40, 40, 42}, 3, false);
    INFO(paper[0]);
    CHECK(painting.dice() > 0.97);
  }
}

TEST_CASE("glass of two tints is none of the tissue where JPEG left waves in some blocks") {
  Painting painting(kGlassColour);
  const auto wave = [&](int64_t top, int64_t bottom, const Rgb3& colour) {
    painting.fill(box(top, 0, bottom - top, kCols), colour, 0, false);
    const Rgb3 darker = {colour[0] - 2, colour[1] - 2, colour[2] - 2};
    const auto in_wave = [=](int64_t row, int64_t col) {
      return row >= top && row < bottom && (row / 8 * 5 + col / 8 * 3) % 7 == 0 && col % 8 < 4;
    };
    painting.fill(in_wave, darker, 0, false);
  };
  wave(0, 200, {243, 242, 247});
  wave(200, kRows, {239, 236, 232});
  add_textured_tissue(painting, kHE);
  CHECK(painting.dice() > 0.97);
}

TEST_CASE("a small faint area beside a section is no tissue") {
  Painting painting(kGlassColour);
  add_textured_tissue(painting, {190, 110, 165});
  painting.fill(box(30, 440, 60, 70), {233, 228, 232}, 5, false);
  CHECK(painting.dice() > 0.985);
}

TEST_CASE("a label of what is no darker than the background is doubtful") {
  Painting painting({236, 227, 245});
  painting.fill(box(0, 150, kRows, 410), {240, 243, 245}, 7, false);
  CHECK(painting.find().confidence < kDoubtful);
}

TEST_CASE("a slide on which nearly all is taken for ink is doubtful") {
  Painting painting(kGlassColour);
  painting.fill(box(60, 60, 200, 300), {40, 60, 160}, 1, false);
  CHECK(painting.find().confidence < kDoubtful);
}

TEST_CASE("a label of something without colour is doubtful") {
  Painting painting(kGlassColour);
  painting.fill(box(100, 150, 150, 200), {150, 150, 151}, 12, true);
  const TissueMask mask = painting.find();
  CHECK((mask.fraction == 0 || mask.confidence < kDoubtful));
}

TEST_CASE("a blank slide has no tissue, and says so") {
  for (const Rgb3& glass : {kGlassColour, Rgb3{200, 200, 200}, Rgb3{8, 8, 8}}) {
    const TissueMask mask = Painting(glass).find();
    CHECK(mask.fraction == 0);
    CHECK_FALSE(mask.empty_reason.empty());
  }
}

TEST_CASE("tissue that fills the picture is found with less confidence") {
  Painting painting(kGlassColour);
  painting.fill([](int64_t, int64_t) { return true; }, {150, 90, 140}, 25, true);
  const TissueMask mask = painting.find();
  CHECK(mask.fraction > 0.97);
  CHECK(mask.confidence <= kDoubtful);
  CHECK_FALSE(mask.confidence_reasons.empty());
}

}  // namespace untiled
