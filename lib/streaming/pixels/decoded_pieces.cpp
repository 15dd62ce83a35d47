#include <ATen/ops/empty.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "lib/streaming/pixels/inside.h"
#include "lib/streaming/pixels/piece_reader.h"

namespace untiled {
namespace {

constexpr int64_t kRgb = 3;

/// A tile of the file and what a piece shows of it.
struct FoundTile {
  Region part;
  StoredTile stored;
};

/// The cells of a piece: whole ones, but for the image's edge.
struct FoundTiles {
  std::vector<FoundTile> jpegs;
  std::vector<Region> others;
};

/// Lattice lines of cells from `first` on that an interval meets.
Interval lines(const Interval& pixels, int64_t first, int64_t size) {
  return {floor_div(pixels.begin - first, size), ceil_div(pixels.end - first, size)};
}

Interval line(int64_t index, int64_t first, int64_t size) {
  return {first + index * size, first + (index + 1) * size};
}

class DecodedPieces : public PieceReader {
 public:
  DecodedPieces(const PixelSource& source, const Upload& upload, const TileDecoding& decoding)
      : source_(source),
        upload_(upload),
        decoding_(decoding),
        host_(make_host_pieces(source, upload)) {}

  ReadPiece read(const Region& piece) const override {
    FoundTiles tiles = find(piece);
    if (tiles.jpegs.empty()) return host_->read(piece);
    ReadPiece made;
    made.missing = {.region = piece, .channels = 0, .bytes = {}, .missing = {}};
    bool are_decoded = false;
    std::vector<at::Tensor> places;  // Until all work on them is done.
    const auto fill = [&](const at::Tensor& pixels, void* stream) {
      places = places_of(tiles.jpegs, piece, pixels);
      are_decoded = decode(tiles.jpegs, places, stream);
      if (are_decoded) copy_edges(tiles.jpegs, places, piece, pixels);
    };
    made.pixels = is_on_device() ? upload_.filled(shape_of(piece), fill) : filled(piece, fill);
    if (!are_decoded) return host_->read(piece);
    *decoding_.count += static_cast<int64_t>(tiles.jpegs.size());
    for (const Region& part : tiles.others) read_part(part, made);
    return made;
  }

 private:
  bool is_on_device() const { return decoding_.jpeg->place() == JpegPlace::kDevice; }

  static std::vector<int64_t> shape_of(const Region& region) {
    return {region.rows.size(), region.cols.size(), kRgb};
  }

  FoundTiles find(const Region& piece) const {
    const CellGrid grid = source_.cells();
    FoundTiles found;
    if (grid.size.empty()) return found;
    const Interval rows = lines(piece.rows, grid.first_row, grid.size.rows);
    const Interval cols = lines(piece.cols, grid.first_col, grid.size.cols);
    for (int64_t row = rows.begin; row < rows.end; ++row) {
      for (int64_t col = cols.begin; col < cols.end; ++col) {
        const Region cell = intersect(
            {line(row, grid.first_row, grid.size.rows), line(col, grid.first_col, grid.size.cols)},
            whole(source_.extent()));
        add(intersect(cell, piece), piece.contains(cell), found);
      }
    }
    return found;
  }

  void add(const Region& part, bool is_whole, FoundTiles& found) const {
    FoundTile tile{part, is_whole ? decoding_.find(part) : StoredTile{}};
    const bool fits =
        tile.stored.kind == StoredTile::Kind::kJpeg && tile.stored.region.contains(part);
    if (fits) {
      found.jpegs.push_back(std::move(tile));
    } else {
      found.others.push_back(part);
    }
  }

  /// On the host, and then up.
  template <typename Fill>
  at::Tensor filled(const Region& piece, Fill fill) const {
    const at::Tensor pixels = at::empty(shape_of(piece), at::TensorOptions().dtype(at::kByte));
    fill(pixels, nullptr);
    return upload_(pixels);
  }

  /// Tiles that reach beyond the image are decoded beside its pixels.
  static std::vector<at::Tensor> places_of(const std::vector<FoundTile>& tiles, const Region& piece,
                                           const at::Tensor& pixels) {
    std::vector<at::Tensor> places;
    for (const FoundTile& tile : tiles) {
      const Region& region = tile.stored.region;
      places.push_back(piece.contains(region) ? inside(pixels, region, piece)
                                              : at::empty(shape_of(region), pixels.options()));
    }
    return places;
  }

  static void copy_edges(const std::vector<FoundTile>& tiles, const std::vector<at::Tensor>& places,
                         const Region& piece, const at::Tensor& pixels) {
    for (size_t i = 0; i < tiles.size(); ++i) {
      const auto& [part, stored] = tiles[i];
      if (piece.contains(stored.region)) continue;
      inside(pixels, part, piece).copy_(inside(places[i], part, stored.region));
    }
  }

  /// False: none of the places is to be looked at.
  bool decode(const std::vector<FoundTile>& tiles, const std::vector<at::Tensor>& places,
              void* stream) const {
    std::vector<JpegPicture> pictures;
    for (size_t i = 0; i < tiles.size(); ++i) {
      pictures.push_back(picture_of(tiles[i].stored, places[i]));
    }
    return !decoding_.jpeg->decode(pictures, stream);
  }

  static JpegPicture picture_of(const StoredTile& stored, const at::Tensor& place) {
    JpegPicture picture;
    picture.stream = stored.stream.data();
    picture.bytes = stored.stream.size();
    picture.rows = static_cast<uint32_t>(place.size(0));
    picture.cols = static_cast<uint32_t>(place.size(1));
    picture.pixels = place.mutable_data_ptr();
    picture.row_bytes = static_cast<size_t>(place.stride(0));
    return picture;
  }

  void read_part(const Region& part, ReadPiece& made) const {
    const ReadPiece read = host_->read(part);
    inside(made.pixels, part, made.missing.region).copy_(read.pixels);
    copy_overlap(read.missing, made.missing);
  }

  const PixelSource& source_;
  const Upload& upload_;
  const TileDecoding& decoding_;
  std::unique_ptr<PieceReader> host_;
};

}  // namespace

std::unique_ptr<PieceReader> make_decoded_pieces(const PixelSource& source, const Upload& upload,
                                                 const TileDecoding& decoding) {
  return std::make_unique<DecodedPieces>(source, upload, decoding);
}

}  // namespace untiled
