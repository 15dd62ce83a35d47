#include "data/synth/patches.h"

#include <algorithm>
#include <set>
#include <string>

#include "lib/core/error.h"
#include "lib/core/random.h"
#include "tests/catch.h"

namespace untiled {
namespace {

/// Purple with a grain in the first columns, glass in the others.
class TwoToneSlide : public PixelSource {
 public:
  TwoToneSlide(const Extent& extent, int64_t purple_cols)
      : extent_(extent), purple_cols_(purple_cols) {}
  Extent extent() const override { return extent_; }
  int channels() const override { return 3; }
  PixelBlock read(const Region& region) const override {
    PixelBlock block{region, 3, {}, {}};
    for (int64_t row = region.rows.begin; row < region.rows.end; ++row) {
      for (int64_t col = region.cols.begin; col < region.cols.end; ++col) {
        const auto grain = static_cast<uint8_t>(
            Random(1, static_cast<uint64_t>(row), static_cast<uint64_t>(col)).below(20));
        const bool purple = col < purple_cols_;
        block.bytes.push_back(purple ? static_cast<uint8_t>(140 + grain) : 240);
        block.bytes.push_back(purple ? static_cast<uint8_t>(70 + grain) : 240);
        block.bytes.push_back(purple ? static_cast<uint8_t>(130 + grain) : 241);
      }
    }
    return block;
  }

 private:
  Extent extent_;
  int64_t purple_cols_;
};

TEST_CASE("drawn patches are different, stained, and the same for any number of threads") {
  const Patches patches = draw_patches(4, 1);
  std::set<std::string> distinct;
  for (const Bytes& patch : patches.tissue) {
    CHECK(patch.size() == kTissuePatchSide * kTissuePatchSide * 3);
    distinct.emplace(patch.begin(), patch.end());
  }
  CHECK(distinct.size() == patches.tissue.size());
  const Patches again = draw_patches(4, 3);
  CHECK((again.tissue == patches.tissue));
  CHECK((again.glass == patches.glass));
  CHECK((draw_patches(5, 1).tissue != patches.tissue));
  CHECK((draw_patches(4, 2, synth_stain("usual")).tissue == patches.tissue));
  CHECK((draw_patches(4, 2, synth_stain("blue")).tissue != patches.tissue));
  CHECK((draw_patches(4, 2, synth_stain("blue")).glass == patches.glass));
  CHECK_THROWS_AS(synth_stain("green"), ConfigError);
}

TEST_CASE("patches of a slide show its tissue and its glass, apart") {
  const Patches patches = sample_patches(TwoToneSlide({1500, 2000}, 1000), "half.svs", 1);
  REQUIRE(!patches.tissue.empty());
  REQUIRE(!patches.glass.empty());
  for (const Bytes& patch : patches.tissue) {
    int64_t purple = 0;
    for (size_t i = 0; i < patch.size(); i += 3) purple += patch[i + 1] < 100 ? 1 : 0;
    CHECK(purple >= kTissuePatchSide * kTissuePatchSide * 9 / 10);
  }
  for (const Bytes& patch : patches.glass) {
    CHECK(patch.size() == kGlassPatchSide * kGlassPatchSide * 3);
    CHECK(*std::min_element(patch.begin(), patch.end()) >= 239);
  }
}

TEST_CASE("a slide smaller than a patch is mirrored to its size") {
  const Patches patches = sample_patches(TwoToneSlide({90, 100}, 99), "small.png", 1);
  REQUIRE(!patches.tissue.empty());
  CHECK(patches.tissue.front().size() == kTissuePatchSide * kTissuePatchSide * 3);
}

TEST_CASE("a slide without tissue gives no texture, and the error names it") {
  CHECK_THROWS_AS(sample_patches(TwoToneSlide({600, 600}, 0), "blank.svs", 1), DataError);
  CHECK_THROWS_WITH(sample_patches(TwoToneSlide({600, 600}, 0), "blank.svs", 1),
                    Catch::Matchers::StartsWith("blank.svs: ") && contains_text("--texture"));
}

}  // namespace
}  // namespace untiled
