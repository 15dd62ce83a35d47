// OME-Zarr folders as masks and slides: metadata of the group, of its array and the bytes of a
// chunk, each behind a byte 1E (a record separator, which JSON does not hold). Begins with 2 or 3,
// Zarr's format.
#include <vector>

#include "data/slide/zarr_reader.h"
#include "data/tissue/index_zarr.h"
#include "lib/core/atomic_file.h"
#include "tests/fuzz/fuzz.h"

using namespace untiled;

namespace {

/// The pieces between the first two separators, and what is behind them.
std::vector<std::string_view> pieces_of(std::string_view text) {
  constexpr char kSeparator = '\x1e';
  std::vector<std::string_view> pieces;
  while (pieces.size() < 2 && text.find(kSeparator) != std::string_view::npos) {
    const size_t end = text.find(kSeparator);
    pieces.push_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  pieces.push_back(text);
  pieces.resize(3);
  return pieces;
}

}  // namespace

UNTILED_FUZZ_TARGET({
  if (bytes.empty()) return;
  const bool is_v3 = bytes.front() == '3';
  const auto pieces = pieces_of(as_text(bytes.subspan(1)));
  const auto folder = as_folder() / (is_v3 ? "3" : "2");
  make_folder(folder / "0/c/0/0");
  make_folder(folder / "0/0/0");
  put_file(folder / (is_v3 ? "zarr.json" : ".zattrs"), as_bytes(pieces[0]));
  put_file(folder / (is_v3 ? "0/zarr.json" : "0/.zarray"), as_bytes(pieces[1]));
  for (const char* name : {"0/c/0/0/0", "0/0/0/0", "0/0.0.0"}) {
    put_file(folder / name, as_bytes(pieces[2]));
  }
  refusing([&] {
    const auto mask = open_index_zarr(folder);
    mask->read(clip({{0, 64}, {0, 64}}, mask->extent()));
  });
  OpenOptions options;
  options.max_image_pixels = 1 << 20;
  const auto reader = open_zarr_slide(folder, options);
  for (size_t i = 0; i < reader->info().levels.size(); ++i) {
    const Extent& extent = reader->info().levels[i].extent;
    refusing([&] { reader->read(static_cast<int>(i), clip({{0, 64}, {0, 64}}, extent)); });
  }
})
