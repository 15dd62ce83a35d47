#include "data/loader/augment.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <string>

#include "tests/catch.h"
#include "tests/data/loader/fake_source.h"

namespace untiled {
namespace {

constexpr std::array<Extent, 4> kExtents = {{{131, 77}, {1, 333}, {70, 1}, {64, 128}}};

std::vector<Orientation> all_orientations() {
  std::vector<Orientation> all;
  for (const bool transpose : {false, true}) {
    for (const bool rows : {false, true}) {
      for (const bool cols : {false, true}) all.push_back({transpose, rows, cols});
    }
  }
  return all;
}

/// The whole image turned pixel by pixel, the slow and obvious way.
PixelBlock turned_whole(const PixelBlock& image, const Orientation& o) {
  const Extent before = image.region.extent();
  const Extent after = o.transpose ? Extent{before.cols, before.rows} : before;
  PixelBlock result{whole(after), image.channels, {}, {}};
  for (int64_t row = 0; row < after.rows; ++row) {
    for (int64_t col = 0; col < after.cols; ++col) {
      const int64_t r = o.flip_rows ? after.rows - 1 - row : row;
      const int64_t c = o.flip_cols ? after.cols - 1 - col : col;
      const auto pixel =
          static_cast<size_t>(o.transpose ? c * before.cols + r : r * before.cols + c);
      for (int k = 0; k < image.channels; ++k) {
        result.bytes.push_back(
            image.bytes[pixel * static_cast<size_t>(image.channels) + static_cast<size_t>(k)]);
      }
      if (!image.missing.empty()) result.missing.push_back(image.missing[pixel]);
    }
  }
  return result;
}

uint8_t at(const PixelBlock& block, int64_t row, int64_t col, int channel) {
  const int64_t pixel =
      (row - block.region.rows.begin) * block.region.cols.size() + col - block.region.cols.begin;
  return block.bytes[static_cast<size_t>(pixel * block.channels + channel)];
}

int differing_pixels(const PixelBlock& part, const PixelBlock& image) {
  int count = 0;
  for (int64_t row = part.region.rows.begin; row < part.region.rows.end; ++row) {
    for (int64_t col = part.region.cols.begin; col < part.region.cols.end; ++col) {
      for (int k = 0; k < part.channels; ++k) {
        count += at(part, row, col, k) != at(image, row, col, k) ? 1 : 0;
      }
    }
  }
  return count;
}

TEST_CASE("regions of a turned image are crops of the whole image turned") {
  Random random(1);
  for (const Extent& extent : kExtents) {
    for (const Orientation& orientation : all_orientations()) {
      for (const int channels : {1, 3}) {
        const auto source = std::make_shared<FakeSource>(extent, channels);
        const auto turned = make_oriented(source, orientation);
        const PixelBlock image = turned_whole(source->read(whole(extent)), orientation);
        REQUIRE(turned->extent() == image.region.extent());
        for (int i = 0; i < 5; ++i) {
          const PixelBlock part = turned->read(random_region(random, turned->extent()));
          CHECK(part.bytes.size() == static_cast<size_t>(part.region.area() * channels));
          CHECK(differing_pixels(part, image) == 0);
        }
      }
    }
  }
}

TEST_CASE("missing marks turn with their pixels") {
  for (const Orientation& orientation : all_orientations()) {
    const auto source = std::make_shared<FakeSource>(Extent{31, 47}, 3);
    source->gap = {{3, 9}, {11, 40}};
    const auto turned = make_oriented(source, orientation);
    const PixelBlock expected = turned_whole(source->read(whole({31, 47})), orientation);
    CHECK((turned->read(whole(turned->extent())).missing == expected.missing));
  }
}

TEST_CASE("the eight orientations are eight different images") {
  std::set<std::string> images;
  for (const Orientation& orientation : all_orientations()) {
    const auto source = std::make_shared<FakeSource>(Extent{9, 9}, 1);
    const Bytes bytes = make_oriented(source, orientation)->read(whole({9, 9})).bytes;
    images.emplace(bytes.begin(), bytes.end());
  }
  CHECK(images.size() == 8);
}

/// All 256 x 256 pairs of red and green, with blue between them.
class RampSource : public PixelSource {
 public:
  Extent extent() const override { return {256, 256}; }
  int channels() const override { return 3; }
  PixelBlock read(const Region& region) const override {
    PixelBlock block{region, 3, {}, {}};
    for (int64_t row = region.rows.begin; row < region.rows.end; ++row) {
      for (int64_t col = region.cols.begin; col < region.cols.end; ++col) {
        block.bytes.push_back(static_cast<uint8_t>(row));
        block.bytes.push_back(static_cast<uint8_t>(col));
        block.bytes.push_back(static_cast<uint8_t>((row + col) / 2));
      }
    }
    return block;
  }
};

PixelBlock jittered(const Jitter& jitter, const Region& region) {
  return make_jittered(std::make_shared<RampSource>(), jitter)->read(region);
}

TEST_CASE("a jitter that is almost none gives every value back") {
  const PixelBlock image = RampSource().read(whole({256, 256}));
  CHECK((jittered({1.0 + 1e-9, 1.0, 1.0}, whole({256, 256})).bytes == image.bytes));
}

TEST_CASE("brightness is a power of the intensity, and white stays white") {
  for (const double brightness : {0.8, 1.3}) {
    const PixelBlock image = jittered({1.0, 1.0, brightness}, whole({256, 256}));
    for (int64_t value = 0; value < 256; ++value) {
      const double expected =
          256.0 * std::pow((static_cast<double>(value) + 1.0) / 256.0, 1.0 / brightness) - 1.0;
      CHECK(at(image, value, value, 0) == Approx(std::max(expected, 0.0)).margin(0.6));
    }
  }
  const PixelBlock white = jittered({0.6, 1.7, 1.2}, {{255, 256}, {255, 256}});
  CHECK((white.bytes == Bytes{255, 255, 255}));
}

TEST_CASE("stain factors act along the stain vectors of Ruifrok and Johnston") {
  // Twice the eosin of a pixel that holds eosin alone squares its transmission.
  const std::array<double, 3> eosin = {0.092789, 0.954111, 0.283111};
  class Plain : public PixelSource {
   public:
    explicit Plain(Bytes pixel) : pixel_(std::move(pixel)) {}
    Extent extent() const override { return {1, 1}; }
    int channels() const override { return 3; }
    PixelBlock read(const Region& region) const override { return {region, 3, pixel_, {}}; }

   private:
    Bytes pixel_;
  };
  Bytes pixel;
  for (const double density : eosin) {
    pixel.push_back(static_cast<uint8_t>(std::lround(256.0 * std::exp(-0.5 * density) - 1.0)));
  }
  const auto source = std::make_shared<Plain>(pixel);
  const Bytes twice = make_jittered(source, {1.0, 2.0, 1.0})->read(whole({1, 1})).bytes;
  const Bytes no_change = make_jittered(source, {2.0, 1.0, 1.0})->read(whole({1, 1})).bytes;
  for (size_t k = 0; k < 3; ++k) {
    CHECK(twice[k] == Approx(256.0 * std::exp(-eosin[k]) - 1.0).margin(1.5));
    CHECK(no_change[k] == Approx(pixel[k]).margin(1.5));
  }
}

TEST_CASE("a pixel's jittered bytes are the same in every region") {
  const Jitter jitter{1.2, 0.8, 0.95};
  const PixelBlock image = jittered(jitter, whole({256, 256}));
  Random random(7);
  for (int i = 0; i < 20; ++i) {
    CHECK(differing_pixels(jittered(jitter, random_region(random, {256, 256})), image) == 0);
  }
}

TEST_CASE("stain jitter of a label map and turning of two channels are internal errors") {
  const auto labels = std::make_shared<FakeSource>(Extent{4, 4}, 1);
  CHECK_THROWS_AS(make_jittered(labels, {1.1, 1.0, 1.0}), InternalError);
  const auto pairs = std::make_shared<FakeSource>(Extent{4, 4}, 2);
  CHECK_THROWS_AS(make_oriented(pairs, {true, false, false}), InternalError);
}

TEST_CASE("no change gives the source itself") {
  const auto source = std::make_shared<FakeSource>(Extent{4, 4}, 3);
  CHECK(make_oriented(source, {}) == source);
  CHECK(make_jittered(source, {}) == source);
}

TEST_CASE("draws follow the settings and reach every orientation they allow") {
  AugmentSettings settings;
  const auto reached = [&settings] {
    std::set<int> codes;
    for (uint64_t step = 0; step < 400; ++step) {
      Random random(5, step);
      const Orientation o = draw_orientation(random, settings);
      codes.insert(o.transpose * 4 + o.flip_rows * 2 + o.flip_cols);
    }
    return codes;
  };
  CHECK(reached() == std::set<int>{0});
  settings.flip = true;
  CHECK(reached() == std::set<int>{0, 1, 2, 3});
  settings.rotate = true;
  CHECK(reached() == std::set<int>{0, 1, 2, 3, 4, 5, 6, 7});
  settings.flip = false;
  CHECK(reached() == std::set<int>{0, 3, 5, 6});
}

TEST_CASE("draws of jitter have the deviation of the settings, and none for zero") {
  AugmentSettings settings;
  Random none(1);
  CHECK(draw_jitter(none, settings) == Jitter{});
  settings.stain = 0.2;
  settings.brightness = 0.05;
  std::array<double, 3> squares{};
  constexpr int kDraws = 4000;
  for (uint64_t step = 0; step < kDraws; ++step) {
    Random random(2, step);
    const Jitter jitter = draw_jitter(random, settings);
    squares[0] += std::pow(std::log(jitter.haematoxylin), 2);
    squares[1] += std::pow(std::log(jitter.eosin), 2);
    squares[2] += std::pow(std::log(jitter.brightness), 2);
  }
  CHECK(std::sqrt(squares[0] / kDraws) == Approx(0.2).epsilon(0.05));
  CHECK(std::sqrt(squares[1] / kDraws) == Approx(0.2).epsilon(0.05));
  CHECK(std::sqrt(squares[2] / kDraws) == Approx(0.05).epsilon(0.05));
}

}  // namespace
}  // namespace untiled
