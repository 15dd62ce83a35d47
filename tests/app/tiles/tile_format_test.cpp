#include "app/tiles/tile_format.h"

#include <algorithm>

#include "lib/core/error.h"
#include "lib/core/output_format.h"
#include "tests/catch.h"

namespace untiled {

TEST_CASE("every format of tile has a name, an ending and a codec that it can be written with") {
  for (const std::string& name : tile_format_names()) {
    INFO(name);
    const TileFormat format = tile_format(name);
    CHECK(std::ranges::count(all_output_endings(), ending_of(format)) == 1);
    CHECK(tile_codec(to_string(usual_codec(format))) == usual_codec(format));
    CHECK_NOTHROW(require_possible({.format = format, .codec = usual_codec(format)}));
  }
  CHECK_THROWS_AS(tile_format("png"), ConfigError);
  CHECK_THROWS_AS(tile_codec("lz4"), ConfigError);
}

TEST_CASE("what a format of tile cannot be is refused, and what it can be is not") {
  using enum TileFormat;
  const TileOutput impossible[] = {
      {.format = kOmeZarr04, .shard = 1024},
      {.format = kTiff, .shard = 1024},
      {.format = kOmeZarr, .shard = 1000},
      {.format = kOmeZarr, .chunk = 100},
      {.format = kOmeTiff, .codec = TileCodec::kZstd},
      {.format = kOmeZarr04, .codec = TileCodec::kZstd},
      {.format = kZarr, .planar = true},
      {.format = kZarr, .codec = TileCodec::kGzip, .direct_io = true},
      {.format = kOmeZarr, .from_device = true},
  };
  for (const TileOutput& output : impossible) {
    INFO(ending_of(output.format));
    CHECK_THROWS_AS(require_possible(output), ConfigError);
  }
  CHECK_NOTHROW(require_possible({.format = kOmeZarr, .shard = 1024, .planar = true}));
  CHECK_NOTHROW(require_possible({.format = kZarr, .chunk = 100}));
  CHECK_NOTHROW(require_possible({.format = kZarr, .from_device = true}));
}

}  // namespace untiled
