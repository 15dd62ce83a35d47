#include <filesystem>
#include <functional>

#include "lib/core/error.h"
#include "lib/output/preview.h"
#include "tests/catch.h"
#include "tests/core/file_size_limit.h"
#include "tests/core/temporary_folder.h"
#include "tests/output/patterns.h"

namespace untiled {
namespace {

/// What `write` throws while files may not grow beyond `bytes`; empty when it does not.
std::string failure(rlim_t bytes, const std::function<void()>& write) {
  const FileSizeLimit limit(bytes);
  try {
    write();
  } catch (const DataError& error) {
    return error.what();
  }
  return {};
}

Picture noise(const Extent& extent) {
  Picture picture{extent, {}};
  uint32_t state = 1;
  for (int64_t i = 0; i < extent.area() * 3; ++i) {
    state = state * 1664525 + 1013904223;
    picture.rgb.push_back(static_cast<uint8_t>(state >> 24));
  }
  return picture;
}

}  // namespace

TEST_CASE("a full disk is one clear error and leaves no file, wherever it fills up") {
  const TemporaryFolder folder;
  const std::vector<std::pair<std::string, std::function<void()>>> writers = {
      {"mask.png",
       [&] {
         write_mask_pattern(folder / "mask.png", {.extent = {900, 900}});
       }},
      {"x.ome.tif", [&] { write_mask_files(folder.path(), {OutputFormat::kOmeTiff}); }},
      {"x.geojson", [&] { write_mask_files(folder.path(), {OutputFormat::kGeoJson}); }},
      {"bytes.tif",
       [&] {
         write_pattern(folder / "bytes.tif", {{1100, 1100}, 1, SampleType::kUint8, {}});
       }},
      {"floats.tif",
       [&] {
         write_pattern(folder / "floats.tif", {{600, 600}, 2, SampleType::kFloat32, {}});
       }},
      {"picture.png",
       [&] {
         write_picture(folder / "picture.png", noise({100, 100}));
       }},
  };
  for (const auto& [name, write] : writers) {
    write();
    const auto size = std::filesystem::file_size(folder / name);
    std::filesystem::remove(folder / name);
    for (const rlim_t limit : {rlim_t{0}, rlim_t{100}, rlim_t{size / 2}, rlim_t{size - 1}}) {
      const std::string message = failure(limit, write);
      CHECK_THAT(message, contains_text(name) && contains_text("no space left"));
      CHECK(std::filesystem::is_empty(folder.path()));
    }
    CHECK(failure(size, write).empty());
    std::filesystem::remove(folder / name);
  }
}

}  // namespace untiled
