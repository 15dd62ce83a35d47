// Filters images for check_filters.py: a line of standard input is a job, of which the answer is a
// line of standard output.
//   filter IN ROWS COLS CHAIN SIMD CHUNK CELL_ROWS CELL_COLS WORKERS READING OUT
//     READING: tiled, global, bands, global-bands
//   stains IN ROWS COLS CELL WORKERS
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <mutex>
#include <nlohmann/json.hpp>
#include <sstream>

#include "lib/filters/recoloring.h"
#include "lib/filters/row_filters.h"
#include "lib/filters/tiled_run.h"
#include "tests/filters/memory_image.h"

namespace untiled {
namespace {

std::vector<uint8_t> file_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::shared_ptr<const filters::Recoloring> recoloring_of(const PixelSource& image,
                                                         const std::string& chain, int workers) {
  if (!chain.starts_with("macenko")) return nullptr;
  const auto histogram = filters::count_colors(image, workers).histogram;
  return std::make_shared<filters::Recoloring>(filters::macenko_stains(histogram),
                                               filters::kReferenceStains);
}

/// Chunks put together again.
class Assembled {
 public:
  Assembled(Extent extent, int64_t chunk, size_t pixel)
      : extent_(extent), chunk_(chunk), pixel_(pixel) {
    bytes_.resize(static_cast<size_t>(extent.area()) * pixel);
  }
  /// Rows of a chunk from `first` on.
  void put(const Region& chunk, int64_t first, std::span<const uint8_t> bytes) {
    const auto rows = static_cast<int64_t>(bytes.size() / pixel_) / chunk_;
    for (int64_t row = 0; row < std::min(rows, chunk.rows.size() - first); ++row) {
      const auto from = static_cast<size_t>(row * chunk_) * pixel_;
      const int64_t to = (chunk.rows.begin + first + row) * extent_.cols + chunk.cols.begin;
      std::memcpy(bytes_.data() + static_cast<size_t>(to) * pixel_, bytes.data() + from,
                  static_cast<size_t>(chunk.cols.size()) * pixel_);
    }
  }
  const std::vector<uint8_t>& bytes() const { return bytes_; }

 private:
  Extent extent_;
  int64_t chunk_;
  size_t pixel_;
  std::vector<uint8_t> bytes_;
};

std::string filter(std::istream& words) {
  std::string in;
  std::string chain;
  std::string simd;
  std::string reading;
  std::string out;
  Extent extent;
  CellGrid grid;
  filters::TiledOptions options;
  words >> in >> extent.rows >> extent.cols >> chain >> simd >> options.chunk >> grid.size.rows >>
      grid.size.cols >> options.workers >> reading >> out;
  const MemoryImage image(extent, file_bytes(in), grid);
  const auto specs = filters::parse_filters(chain);
  const auto row_filters = filters::make_row_filters(specs, filters::filter_rows(simd),
                                                     recoloring_of(image, chain, options.workers));
  options.region = whole(extent);
  if (reading.starts_with("global")) options.reading = filters::Reading::kGlobal;
  options.band_bytes = 4000;  // Some rows of usual chunks, and one of large ones.
  Assembled result(extent, options.chunk, bytes_of(filters::output_sample(specs)) * 3);
  std::mutex mutex;
  const auto take = [&](const Region& chunk, int64_t first, std::span<const uint8_t> bytes) {
    const std::lock_guard lock(mutex);
    result.put(chunk, first, bytes);
  };
  if (reading.ends_with("bands")) {
    filters::run_tiled_by_bands(image, row_filters, options, take);
  } else {
    filters::run_tiled(
        image, row_filters, options,
        [&](const Region& chunk, std::span<const uint8_t> bytes) { take(chunk, 0, bytes); });
  }
  std::ofstream(out, std::ios::binary)
      .write(reinterpret_cast<const char*>(result.bytes().data()),
             static_cast<std::streamsize>(result.bytes().size()));
  return "done";
}

std::string stains(std::istream& words) {
  std::string in;
  Extent extent;
  int64_t cell = 0;
  int workers = 1;
  words >> in >> extent.rows >> extent.cols >> cell >> workers;
  const MemoryImage image(extent, file_bytes(in), {{cell, cell}, 0, 0});
  const filters::Stains found =
      filters::macenko_stains(filters::count_colors(image, workers).histogram);
  return nlohmann::json{{"vectors", found.vectors}, {"high", found.high}}.dump();
}

std::string answer(const std::string& line) {
  std::istringstream words(line);
  std::string job;
  words >> job;
  try {
    if (job == "simd") return nlohmann::json(filters::available_filter_simd()).dump();
    return job == "stains" ? stains(words) : filter(words);
  } catch (const std::exception& error) {
    return std::string("failed: ") + error.what();
  }
}

}  // namespace
}  // namespace untiled

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << untiled::answer(line) << std::endl;
  }
}
