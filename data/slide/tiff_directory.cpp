#include "data/slide/tiff_directory.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "data/slide/file_kind.h"
#include "data/slide/privacy.h"
#include "data/slide/side_limit.h"
#include "data/slide/tiff_entry.h"
#include "data/slide/tiff_handle.h"
#include "lib/core/error.h"

namespace untiled {
namespace {

constexpr size_t kMaxDirectories = 4096;

template <typename T>
T field(TIFF* tiff, uint32_t tag, T otherwise) {
  T value = otherwise;
  return TIFFGetFieldDefaulted(tiff, tag, &value) != 0 ? value : otherwise;
}

constexpr std::array<std::pair<uint32_t, const char*>, 8> kTexts = {{
    {TIFFTAG_IMAGEDESCRIPTION, "tiff.ImageDescription"},
    {TIFFTAG_SOFTWARE, "tiff.Software"},
    {TIFFTAG_DATETIME, "tiff.DateTime"},
    {TIFFTAG_MAKE, "tiff.Make"},
    {TIFFTAG_MODEL, "tiff.Model"},
    {TIFFTAG_ARTIST, "tiff.Artist"},
    {TIFFTAG_COPYRIGHT, "tiff.Copyright"},
    {TIFFTAG_HOSTCOMPUTER, "tiff.HostComputer"},
}};

std::vector<Property> text_properties(TIFF* tiff) {
  std::vector<Property> properties;
  for (const auto& [tag, name] : kTexts) {
    const char* text = nullptr;
    if (TIFFGetField(tiff, tag, &text) != 0 && text != nullptr) {
      properties.push_back({name, text, is_private_property(name)});
    }
  }
  return properties;
}

std::string text_of(TIFF* tiff, uint32_t tag) {
  const char* text = nullptr;
  const bool found = TIFFGetField(tiff, tag, &text) != 0 && text != nullptr;
  return found ? text : "";
}

std::vector<uint8_t> jpeg_tables(TIFF* tiff) {
  uint32_t count = 0;
  const uint8_t* bytes = nullptr;
  if (TIFFGetField(tiff, TIFFTAG_JPEGTABLES, &count, &bytes) == 0 || bytes == nullptr) return {};
  return {bytes, bytes + count};
}

/// The colours of a palette image's indices. TIFF has 16 bits a colour, of which the high 8 count:
/// of a byte v some writers make 257 v and others, as Pillow, 256 v. Some put 8 there.
std::vector<Rgb> palette_of(TIFF* tiff, int bits) {
  std::array<const uint16_t*, 3> planes{};
  if (bits > 8 ||
      TIFFGetField(tiff, TIFFTAG_COLORMAP, planes.data(), &planes[1], &planes[2]) == 0) {
    return {};
  }
  const size_t count = size_t{1} << bits;
  const bool is_wide = std::any_of(planes.begin(), planes.end(), [&](const uint16_t* plane) {
    return std::any_of(plane, plane + count, [](uint16_t value) { return value > 0xFF; });
  });
  std::vector<Rgb> palette(count);
  for (size_t i = 0; i < count; ++i) {
    for (size_t c = 0; c < 3; ++c) {
      const int value = planes[c][i];
      palette[i][c] = static_cast<uint8_t>(is_wide ? value >> 8 : value);
    }
  }
  return palette;
}

std::vector<uint64_t> sub_directories(TIFF* tiff) {
  uint16_t count = 0;
  const uint64_t* offsets = nullptr;
  if (TIFFGetField(tiff, TIFFTAG_SUBIFD, &count, &offsets) == 0 || offsets == nullptr) return {};
  return {offsets, offsets + count};
}

std::vector<TiffBlock> blocks_of(const std::filesystem::path& path, TIFF* tiff, bool tiled) {
  const uint32_t count = tiled ? TIFFNumberOfTiles(tiff) : TIFFNumberOfStrips(tiff);
  if (count > file_bytes(path)) {
    throw DataError(fmt::format("{} is a damaged TIFF: it claims {} tiles, more than it has bytes",
                                path.string(), count));
  }
  std::vector<TiffBlock> blocks(count);
  for (uint32_t i = 0; i < count; ++i) {
    blocks[i] = {TIFFGetStrileOffset(tiff, i), TIFFGetStrileByteCount(tiff, i)};
    if (blocks[i].offset == 0) blocks[i].size = 0;
  }
  return blocks;
}

void read_alpha(TIFF* tiff, TiffDirectory& directory) {
  uint16_t count = 0;
  const uint16_t* kinds = nullptr;
  if (TIFFGetFieldDefaulted(tiff, TIFFTAG_EXTRASAMPLES, &count, &kinds) == 0 || count != 1) return;
  directory.has_alpha = kinds[0] == EXTRASAMPLE_ASSOCALPHA || kinds[0] == EXTRASAMPLE_UNASSALPHA;
  directory.alpha_is_premultiplied = kinds[0] == EXTRASAMPLE_ASSOCALPHA;
}

Extent tile_of(TIFF* tiff, const TiffDirectory& directory) {
  if (directory.tiled) {
    return {field<uint32_t>(tiff, TIFFTAG_TILELENGTH, 0),
            field<uint32_t>(tiff, TIFFTAG_TILEWIDTH, 0)};
  }
  const int64_t rows = field<uint32_t>(tiff, TIFFTAG_ROWSPERSTRIP, 0xFFFFFFFF);
  return {std::min(rows, directory.extent.rows), directory.extent.cols};
}

void require_size(const std::filesystem::path& path, const TiffDirectory& directory) {
  const Extent& extent = directory.extent;
  const Extent& tile = directory.tile;
  const int64_t largest = std::max({extent.rows, extent.cols, tile.rows, tile.cols});
  if (!extent.empty() && !tile.empty() && largest < kMaxSide) return;
  throw DataError(fmt::format(
      "{} is a damaged TIFF: the directory at byte {} gives a size of {} in tiles of {}",
      path.string(), directory.offset, to_string(extent), to_string(tile)));
}

/// libtiff knows three units and drops others, which would be taken for the inch of a file that
/// says none: tifffile, for one, writes millimetres and micrometres.
uint16_t resolution_unit(const std::filesystem::path& path, TIFF* tiff, uint64_t directory) {
  uint16_t unit = RESUNIT_INCH;
  if (TIFFGetField(tiff, TIFFTAG_RESOLUTIONUNIT, &unit) != 0) return unit;
  const TiffLayout layout{TIFFIsBigEndian(tiff) != 0, TIFFIsBigTIFF(tiff) != 0};
  return short_entry(path, layout, directory, TIFFTAG_RESOLUTIONUNIT).value_or(RESUNIT_INCH);
}

TiffDirectory current_directory(const std::filesystem::path& path, TIFF* tiff) {
  TiffDirectory directory;
  directory.offset = TIFFCurrentDirOffset(tiff);
  directory.extent = {field<uint32_t>(tiff, TIFFTAG_IMAGELENGTH, 0),
                      field<uint32_t>(tiff, TIFFTAG_IMAGEWIDTH, 0)};
  directory.tiled = TIFFIsTiled(tiff) != 0;
  directory.tile = tile_of(tiff, directory);
  require_size(path, directory);
  directory.subfile_type = field<uint32_t>(tiff, TIFFTAG_SUBFILETYPE, 0);
  directory.bits = field<uint16_t>(tiff, TIFFTAG_BITSPERSAMPLE, 1);
  directory.samples = field<uint16_t>(tiff, TIFFTAG_SAMPLESPERPIXEL, 1);
  directory.sample_format = field<uint16_t>(tiff, TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_UINT);
  directory.photometric = field<uint16_t>(tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
  directory.compression = field<uint16_t>(tiff, TIFFTAG_COMPRESSION, COMPRESSION_NONE);
  directory.fill_order = field<uint16_t>(tiff, TIFFTAG_FILLORDER, FILLORDER_MSB2LSB);
  const int orientation = field<uint16_t>(tiff, TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT);
  directory.orientation = orientation >= 1 && orientation <= 8 ? orientation : 1;
  directory.separate_planes =
      directory.samples > 1 &&
      field<uint16_t>(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG) == PLANARCONFIG_SEPARATE;
  read_alpha(tiff, directory);
  uint32_t icc_bytes = 0;
  const void* icc = nullptr;
  directory.has_icc = TIFFGetField(tiff, TIFFTAG_ICCPROFILE, &icc_bytes, &icc) != 0;
  directory.x_resolution = field<float>(tiff, TIFFTAG_XRESOLUTION, 0);
  directory.y_resolution = field<float>(tiff, TIFFTAG_YRESOLUTION, 0);
  directory.resolution_unit = resolution_unit(path, tiff, directory.offset);
  directory.properties = text_properties(tiff);
  directory.description = text_of(tiff, TIFFTAG_IMAGEDESCRIPTION);
  directory.page_name = text_of(tiff, TIFFTAG_PAGENAME);
  if (directory.compression == COMPRESSION_JPEG) directory.jpeg_tables = jpeg_tables(tiff);
  if (directory.photometric == PHOTOMETRIC_PALETTE) {
    directory.palette = palette_of(tiff, directory.bits);
  }
  directory.blocks = blocks_of(path, tiff, directory.tiled);
  directory.reduced = sub_directories(tiff);
  return directory;
}

void require_few(const std::filesystem::path& path, size_t directories) {
  if (directories <= kMaxDirectories) return;
  throw DataError(fmt::format(
      "{} has more than {} TIFF directories: export the image to read as a TIFF of its own",
      path.string(), kMaxDirectories));
}

/// A file whose SubIFDs name each other's directories again and again would be read for hours.
void require_own_sub_directories(const std::filesystem::path& path,
                                 const std::vector<TiffDirectory>& main) {
  std::set<uint64_t> offsets;
  for (const TiffDirectory& directory : main) {
    for (const uint64_t offset : directory.reduced) {
      if (offsets.insert(offset).second) continue;
      throw DataError(
          fmt::format("{} is a damaged TIFF: its SubIFD at byte {} is listed twice; copy it again",
                      path.string(), offset));
    }
  }
  require_few(path, main.size() + offsets.size());
}

/// Thousands of directories may claim the same lists and texts of a file: what is held of them all
/// is bounded by what the file can hold.
class HeldBytes {
 public:
  explicit HeldBytes(const std::filesystem::path& path)
      : path_(path), most_(kPerFileByte * file_bytes(path) + kSmallFile) {}

  void add(const TiffDirectory& directory) {
    held_ += directory.blocks.size() * sizeof(TiffBlock) + directory.jpeg_tables.size() +
             directory.reduced.size() * sizeof(uint64_t) + directory.description.size() +
             directory.page_name.size() + directory.palette.size() * sizeof(Rgb);
    for (const Property& property : directory.properties) held_ += property.value.size();
    if (held_ <= most_) return;
    throw DataError(
        fmt::format("{} is a damaged TIFF: its directories list more tiles and texts "
                    "than it has bytes; copy it again",
                    path_.string()));
  }

 private:
  static constexpr uint64_t kPerFileByte = 4;  // A tile of 16 bytes here takes 6 in the file.
  static constexpr uint64_t kSmallFile = 1 << 20;

  const std::filesystem::path& path_;
  uint64_t most_;
  uint64_t held_ = 0;
};

std::vector<TiffDirectory> read_reduced(const std::filesystem::path& path, TiffHandle& handle,
                                        const TiffDirectory& parent, HeldBytes& held) {
  std::vector<TiffDirectory> directories;
  for (const uint64_t offset : parent.reduced) {
    handle.go_to(offset);
    directories.push_back(current_directory(path, handle.get()));
    held.add(directories.back());
  }
  return directories;
}

/// What samples are where they are no unsigned integers. Readers that know none but these take a
/// signed sample of -100 for 156.
std::string_view unread_samples(uint16_t sample_format) {
  switch (sample_format) {
    case SAMPLEFORMAT_INT:
      return " (with a sign)";
    case SAMPLEFORMAT_IEEEFP:
      return " (floating point)";
    case SAMPLEFORMAT_COMPLEXINT:
    case SAMPLEFORMAT_COMPLEXIEEEFP:
      return " (complex)";
    default:
      return "";
  }
}

std::string size_obstacle(const TiffDirectory& directory) {
  const std::string_view samples = unread_samples(directory.sample_format);
  if (directory.bits != 8 || !samples.empty()) {
    return fmt::format(
        "its samples have {} bits{} where 8 can be read, without a sign: convert it to 8-bit RGB",
        directory.bits, samples);
  }
  if (directory.samples > 4) {
    return fmt::format(
        "it has {} channels where 1, 3 or 4 can be read: export the three to use as "
        "8-bit RGB",
        directory.samples);
  }
  return {};
}

bool is_grey(const TiffDirectory& directory) {
  return directory.photometric == PHOTOMETRIC_MINISBLACK ||
         directory.photometric == PHOTOMETRIC_MINISWHITE;
}

/// Several grey channels are dyes, not colours.
std::string dye_obstacle(const TiffDirectory& directory) {
  const bool one = directory.samples == 1 || (directory.samples == 2 && directory.has_alpha);
  if (one || !is_grey(directory)) return {};
  return fmt::format("it has {} channels that are not declared to be RGB: export it as 8-bit RGB",
                     directory.samples);
}

/// Whether a tile's stream holds all of its colours, so that its decoder makes RGB of YCbCr.
bool decoder_converts(const TiffDirectory& directory) {
  const bool jpeg = directory.compression == COMPRESSION_JPEG;
  return jpeg || (directory.is_jpeg2000() && !directory.separate_planes);
}

std::string color_obstacle(const TiffDirectory& directory) {
  switch (directory.photometric) {
    case PHOTOMETRIC_MINISBLACK:
    case PHOTOMETRIC_MINISWHITE:
      return dye_obstacle(directory);
    case PHOTOMETRIC_RGB:
      if (directory.samples >= 3) return {};
      return fmt::format("it says RGB and has {} channels", directory.samples);
    case PHOTOMETRIC_YCBCR:
      if (decoder_converts(directory) && directory.samples == 3) return {};
      return "its colours are YCbCr without JPEG: convert it to RGB";
    case PHOTOMETRIC_PALETTE:
      if (directory.samples == 1 && !directory.palette.empty()) return {};
      return "it has a palette without colours: convert it to 8-bit RGB";
    default:
      return fmt::format(
          "its colours (PhotometricInterpretation {}) cannot be read: convert it to "
          "8-bit RGB",
          directory.photometric);
  }
}

}  // namespace

bool TiffDirectory::has_missing_blocks() const {
  return std::any_of(blocks.begin(), blocks.end(),
                     [](const TiffBlock& block) { return block.size == 0; });
}

bool TiffDirectory::is_plain_rgb() const {
  return compression == COMPRESSION_NONE && photometric == PHOTOMETRIC_RGB && bits == 8 &&
         samples == 3 && sample_format == SAMPLEFORMAT_UINT && !separate_planes &&
         fill_order == FILLORDER_MSB2LSB;
}

bool TiffDirectory::is_jpeg2000() const {
  return compression == kAperioJpeg2000YCbCr || compression == kLossyJpeg2000 ||
         compression == kAperioJpeg2000Rgb || compression == kJpeg2000;
}

TiffFile read_tiff_file(const std::filesystem::path& path) {
  TiffFile file;
  TiffHandle handle(path);
  HeldBytes held(path);
  file.main.push_back(current_directory(path, handle.get()));
  held.add(file.main.back());
  while (TIFFLastDirectory(handle.get()) == 0) {
    require_few(path, file.main.size() + 1);
    if (TIFFReadDirectory(handle.get()) == 0) {
      throw DataError(
          fmt::format("{} is a damaged TIFF: its directory {} cannot be read ({}); copy it again",
                      path.string(), file.main.size(), handle.error()));
    }
    file.main.push_back(current_directory(path, handle.get()));
    held.add(file.main.back());
  }
  require_own_sub_directories(path, file.main);
  for (const TiffDirectory& directory : file.main) {
    file.sub.push_back(read_reduced(path, handle, directory, held));
  }
  return file;
}

std::string compression_name(uint16_t compression) {
  constexpr std::array<std::pair<uint16_t, const char*>, 16> kNames = {{
      {33003, "JPEG 2000"},
      {33004, "JPEG 2000"},
      {33005, "JPEG 2000"},
      {34712, "JPEG 2000"},
      {22610, "JPEG XR"},
      {34934, "JPEG XR"},
      {50002, "JPEG XL"},
      {52546, "JPEG XL"},
      {34933, "PNG"},
      {34887, "LERC"},
      {50001, "WebP"},
      {34927, "WebP"},
      {34926, "Zstandard"},
      {50000, "Zstandard"},
      {34925, "LZMA"},
      {34892, "lossy JPEG"},
  }};
  const auto found = std::find_if(kNames.begin(), kNames.end(),
                                  [&](const auto& known) { return known.first == compression; });
  return found == kNames.end() ? "of an unknown kind" : found->second;
}

std::string decoding_obstacle(const TiffDirectory& directory) {
  if (std::string obstacle = size_obstacle(directory); !obstacle.empty()) return obstacle;
  if (std::string obstacle = color_obstacle(directory); !obstacle.empty()) return obstacle;
  if (directory.compression == kAperioJpeg2000YCbCr && directory.separate_planes) {
    return "its JPEG 2000 tiles hold one channel of YCbCr each: convert it to RGB";
  }
  if (directory.compression != COMPRESSION_JPEG && !directory.is_jpeg2000() &&
      TIFFIsCODECConfigured(directory.compression) == 0) {
    return fmt::format(
        "its compression {} ({}) is not read here: convert it to JPEG or Deflate with the program "
        "that made it, or with Bio-Formats (bfconvert -compression zlib in.tif out.ome.tif)",
        directory.compression, compression_name(directory.compression));
  }
  if (directory.compression == COMPRESSION_JPEG && directory.samples != 1 &&
      directory.samples != 3) {
    return fmt::format("its JPEG tiles have {} channels where 1 or 3 can be read",
                       directory.samples);
  }
  return {};
}

void require_rgb_samples(const std::filesystem::path& path, const TiffDirectory& directory) {
  const bool has_other_samples = directory.bits > 8 || directory.samples > 4 ||
                                 !unread_samples(directory.sample_format).empty();
  const std::string obstacle =
      has_other_samples ? size_obstacle(directory) : dye_obstacle(directory);
  if (obstacle.empty()) return;
  throw DataError(fmt::format("{} cannot be read: {}", path.string(), obstacle));
}

void require_whole_blocks(const std::filesystem::path& path, const TiffDirectory& directory,
                          int level) {
  const uint64_t file_size = file_bytes(path);
  for (size_t i = 0; i < directory.blocks.size(); ++i) {
    const TiffBlock& block = directory.blocks[i];
    if (block.size <= file_size && block.offset <= file_size - block.size) continue;
    throw DataError(fmt::format(
        "{} is cut short: {} {} of level {} takes {} bytes from byte {} but the file ends at {}; "
        "copy it again",
        path.string(), directory.tiled ? "tile" : "strip", i, level, block.size, block.offset,
        file_size));
  }
}

}  // namespace untiled
