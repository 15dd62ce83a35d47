#include "lib/filters/cuda/tile_loader.h"

#include <filesystem>
#include <map>
#include <utility>

#include "lib/filters/filter_rows.h"

namespace untiled::filters {
namespace {

int64_t tile_bytes(const CellLayout& tiles) {
  return tiles.cell_rows() * tiles.cell_cols() * kChannels;
}

bool decodes_on_host(const DeviceTiles& how) {
  return how.find && how.jpeg && how.jpeg->place() == JpegPlace::kHost;
}

bool fills_device_slots(const DeviceTiles& how) {
  return how.find && (how.files || (how.jpeg && how.jpeg->place() == JpegPlace::kDevice));
}

}  // namespace

TileLoader::Needs TileLoader::needs(const CellLayout& tiles, int64_t batch,
                                    const DeviceTiles& how) {
  const int64_t slots = batch * tile_bytes(tiles);
  return {tile_bytes(tiles) + (decodes_on_host(how) ? slots : 0),
          fills_device_slots(how) ? slots : 0};
}

TileLoader::TileLoader(const Gpu& gpu, const PixelSource& source, const CellLayout& tiles,
                       int64_t batch, const DeviceTiles& how, LoadCounts& counts)
    : source_(source),
      tiles_(tiles),
      how_(how),
      counts_(counts),
      finds_(how.takes_any()),
      host_(gpu, tile_bytes(tiles)),
      host_slots_(gpu, needs(tiles, batch, how).host_bytes - tile_bytes(tiles)),
      device_slots_(gpu, needs(tiles, batch, how).device_bytes) {}

int64_t TileLoader::slot_bytes() const { return tile_bytes(tiles_); }

void TileLoader::load(GpuStream& stream, const DeviceRing& ring, const std::vector<Region>& tiles) {
  std::vector<Found> jpegs;
  std::vector<Found> raws;
  for (const Region& tile : tiles) {
    Found found{tile, finds_ ? how_.find(tile) : StoredTile{}};
    // A slide's tiles are compressed alike: streams that nobody takes are fetched once.
    if (!how_.jpeg && found.stored.kind == StoredTile::Kind::kJpeg) finds_ = false;
    const bool fits = is_whole_tile(found);
    if (fits && how_.jpeg && found.stored.kind == StoredTile::Kind::kJpeg) {
      jpegs.push_back(std::move(found));
    } else if (fits && how_.files && found.stored.kind == StoredTile::Kind::kRgb) {
      raws.push_back(std::move(found));
    } else {
      load_from_host(stream, ring, tile);
    }
  }
  // One after the other: both use the same slots.
  decode(stream, ring, jpegs);
  read_files(stream, ring, raws);
}

bool TileLoader::is_whole_tile(const Found& found) const {
  return found.stored.region.extent() == Extent{tiles_.cell_rows(), tiles_.cell_cols()} &&
         found.stored.region.contains(found.part);
}

void TileLoader::load_from_host(GpuStream& stream, const DeviceRing& ring, const Region& part) {
  Bytes missing;  // Such pixels have the background's colour, which is filtered as any other.
  const int64_t row_bytes = part.cols.size() * kChannels;
  source_.read_into(part, {part, static_cast<int>(kChannels), host_.data(), row_bytes, &missing});
  stream.copy_rows_to_device(ring.at(part.rows.begin, part.cols.begin), ring.row_bytes(),
                             host_.data(), row_bytes, row_bytes, part.rows.size());
  stream.wait();
}

std::vector<JpegPicture> TileLoader::pictures_of(const std::vector<Found>& tiles) const {
  const bool on_host = how_.jpeg->place() == JpegPlace::kHost;
  std::vector<JpegPicture> pictures;
  for (const Found& found : tiles) {
    const auto at = static_cast<int64_t>(pictures.size()) * slot_bytes();
    JpegPicture picture;
    picture.stream = found.stored.stream.data();
    picture.bytes = found.stored.stream.size();
    picture.rows = static_cast<uint32_t>(tiles_.cell_rows());
    picture.cols = static_cast<uint32_t>(tiles_.cell_cols());
    picture.pixels = on_host ? host_slots_.data() + at : device_slots_.as<uint8_t>() + at;
    picture.row_bytes = static_cast<size_t>(tiles_.cell_cols() * kChannels);
    pictures.push_back(picture);
  }
  return pictures;
}

void TileLoader::decode(GpuStream& stream, const DeviceRing& ring,
                        const std::vector<Found>& tiles) {
  if (tiles.empty()) return;
  if (how_.jpeg->decode(pictures_of(tiles), stream.handle())) {
    // Whoever is at fault: a damaged tile is an error of the source's, which names its place.
    for (const Found& found : tiles) load_from_host(stream, ring, found.part);
    return;
  }
  const bool on_host = how_.jpeg->place() == JpegPlace::kHost;
  for (size_t i = 0; i < tiles.size(); ++i) {
    on_host ? place_from_host(stream, ring, tiles[i], i)
            : place_from_device(stream, ring, tiles[i], i);
  }
  stream.wait();
  counts_.decoded += static_cast<int64_t>(tiles.size());
}

void TileLoader::read_files(GpuStream& stream, const DeviceRing& ring,
                            const std::vector<Found>& tiles) {
  if (tiles.empty()) return;
  std::map<std::filesystem::path, std::vector<FilePart>> parts;
  for (size_t i = 0; i < tiles.size(); ++i) {
    uint8_t* const slot = device_slots_.as<uint8_t>() + static_cast<int64_t>(i) * slot_bytes();
    parts[tiles[i].stored.path].push_back(
        {tiles[i].stored.offset, static_cast<size_t>(slot_bytes()), slot});
  }
  for (const auto& [path, of_file] : parts) how_.files->read(path, of_file);
  for (size_t i = 0; i < tiles.size(); ++i) place_from_device(stream, ring, tiles[i], i);
  stream.wait();
  counts_.read += static_cast<int64_t>(tiles.size());
}

/// Of the first pixel that the slide shows.
int64_t TileLoader::offset_in_slot(const Found& found, size_t slot) const {
  const int64_t row = found.part.rows.begin - found.stored.region.rows.begin;
  const int64_t col = found.part.cols.begin - found.stored.region.cols.begin;
  return static_cast<int64_t>(slot) * slot_bytes() + (row * tiles_.cell_cols() + col) * kChannels;
}

void TileLoader::place_from_device(GpuStream& stream, const DeviceRing& ring, const Found& found,
                                   size_t slot) const {
  const auto offset = static_cast<DeviceAddress>(offset_in_slot(found, slot));
  stream.copy_rows_on_device(ring.at(found.part.rows.begin, found.part.cols.begin),
                             ring.row_bytes(), device_slots_.address() + offset,
                             tiles_.cell_cols() * kChannels, found.part.cols.size() * kChannels,
                             found.part.rows.size());
}

void TileLoader::place_from_host(GpuStream& stream, const DeviceRing& ring, const Found& found,
                                 size_t slot) const {
  stream.copy_rows_to_device(ring.at(found.part.rows.begin, found.part.cols.begin),
                             ring.row_bytes(), host_slots_.data() + offset_in_slot(found, slot),
                             tiles_.cell_cols() * kChannels, found.part.cols.size() * kChannels,
                             found.part.rows.size());
}

}  // namespace untiled::filters
