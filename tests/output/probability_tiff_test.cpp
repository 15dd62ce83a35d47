#include "lib/output/probability_tiff.h"

#include <tiffio.h>

#include <cmath>
#include <limits>

#include "lib/core/atomic_file.h"
#include "lib/core/error.h"
#include "tests/catch.h"
#include "tests/core/temporary_folder.h"
#include "tests/output/patterns.h"

namespace untiled {

TEST_CASE("the bytes of a probability file do not depend on the order of encoding") {
  const TemporaryFolder folder;
  const ProbabilityTiffOptions options = {{1300, 1100}, 2, SampleType::kUint8, {}};
  write_pattern(folder / "one.tif", options);
  ProbabilityTiff file(folder / "two.tif", options);
  std::vector<ProbabilityTiff::EncodedTile> tiles(file.tiles().size());
  for (size_t i = tiles.size(); i-- > 0;) {
    tiles[i] = file.encode(i, pattern(file.tiles()[i], 2));
  }
  for (auto& tile : tiles) file.write(std::move(tile));
  file.finish();
  CHECK(read_file(folder / "one.tif") == read_file(folder / "two.tif"));
}

TEST_CASE("libtiff reads the tiles of a probability file") {
  const TemporaryFolder folder;
  write_pattern(folder / "a.tif", {{600, 1100}, 2, SampleType::kFloat32, OutputScale{0.5, 0.5}});
  TIFF* tiff = TIFFOpen((folder / "a.tif").c_str(), "r");
  REQUIRE(tiff != nullptr);
  CHECK(TIFFNumberOfTiles(tiff) == 2 * 3 * 2);
  std::vector<float> tile(512 * 512);
  const auto size = static_cast<tmsize_t>(tile.size() * sizeof(float));
  REQUIRE(TIFFReadEncodedTile(tiff, TIFFComputeTile(tiff, 1050, 530, 0, 1), tile.data(), size) ==
          size);
  CHECK(tile[18 * 512 + 26] == pattern(530, 1050, 1));
  CHECK(TIFFReadDirectory(tiff) == 0);
  TIFFClose(tiff);
}

TEST_CASE("bytes are the rounded probability and never wrap") {
  const TemporaryFolder folder;
  const ProbabilityTiffOptions options = {{1, 4}, 1, SampleType::kUint8, {}};
  ProbabilityTiff file(folder / "a.tif", options);
  file.write(file.encode(0, std::vector<float>{-0.1F, 0.501F, 1.0F, 1.2F}));
  file.finish();
  TIFF* tiff = TIFFOpen((folder / "a.tif").c_str(), "r");
  std::vector<uint8_t> tile(512 * 512);
  TIFFReadEncodedTile(tiff, 0, tile.data(), static_cast<tmsize_t>(tile.size()));
  TIFFClose(tiff);
  CHECK(std::vector<uint8_t>(tile.begin(), tile.begin() + 5) ==
        std::vector<uint8_t>{0, 128, 255, 255, 0});
}

TEST_CASE("a probability that is not finite is refused and leaves no file") {
  const TemporaryFolder folder;
  {
    ProbabilityTiff file(folder / "a.tif", {{1, 2}, 1, SampleType::kUint8, {}});
    const float nan = std::numeric_limits<float>::quiet_NaN();
    CHECK_THROWS_AS(file.encode(0, std::vector<float>{0.5F, nan}), DataError);
    CHECK_THROWS_AS(file.encode(0, std::vector<float>{0.5F}), InternalError);
    CHECK_THROWS_AS(file.finish(), InternalError);
  }
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("tiles that come out of order are refused") {
  const TemporaryFolder folder;
  ProbabilityTiff file(folder / "a.tif", {{600, 600}, 1, SampleType::kUint8, {}});
  auto second = file.encode(1, pattern(file.tiles()[1], 1));
  CHECK_THROWS_AS(file.write(std::move(second)), InternalError);
}

}  // namespace untiled
