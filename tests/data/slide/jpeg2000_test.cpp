// Slides whose tiles are JPEG 2000, made here with OpenJPEG and judged by OpenSlide.
#include "data/slide/jpeg2000.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <random>

#include "data/slide/reader.h"
#include "data/slide/tiff_directory.h"
#include "lib/core/error.h"
#include "tests/catch.h"
#include "tests/data/slide/jpeg2000_encoder.h"
#include "tests/data/slide/support.h"

using namespace untiled;
using namespace untiled::testing;

namespace {

TiffImage jpeg2000_image(uint16_t compression, const Jpeg2000Options& options) {
  TiffImage image;
  image.compression = compression;
  image.encode = [options](const Bytes& samples, const Extent& extent, int channels) {
    return encode_jpeg2000(samples, extent, channels, options);
  };
  return image;
}

TiffImage aperio_image(uint16_t compression, const Jpeg2000Options& options) {
  TiffImage image = jpeg2000_image(compression, options);
  image.description = "Aperio Image Library v11.2.1\r\n400x300 |AppMag = 20|MPP = 0.5";
  return image;
}

Bytes read_all(const std::filesystem::path& path, Backend backend = Backend::kAuto) {
  OpenOptions options;
  options.backend = backend;
  const auto reader = open_slide(path, options);
  return reader->read(0, whole(reader->info().levels[0].extent)).bytes;
}

constexpr Extent kTile = {64, 96};

Bytes pattern_tile(int channels = 3) {
  Bytes samples;
  for (int64_t row = 0; row < kTile.rows; ++row) {
    for (int64_t col = 0; col < kTile.cols; ++col) {
      for (int c = 0; c < channels; ++c) samples.push_back(pattern(row, col, c));
    }
  }
  return samples;
}

Bytes decode_tile(const Bytes& stream, int channels = 3,
                  Jpeg2000Color color = Jpeg2000Color::kRgb) {
  Bytes samples(static_cast<size_t>(kTile.area() * channels));
  const SampleTarget target{samples.data(), kTile, channels,
                            static_cast<size_t>(kTile.cols * channels)};
  decode_jpeg2000_into(stream, color, target, kTile);
  return samples;
}

std::string tile_error(const Bytes& stream) {
  return data_error([&] { decode_tile(stream); });
}

void put_integer(Bytes& stream, size_t at, uint64_t value, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    stream[at + i] = static_cast<uint8_t>(value >> (8 * (count - 1 - i)));
  }
}

struct Difference {
  int64_t count = 0;
  int largest = 0;
};

Difference difference(const Bytes& a, const Bytes& b) {
  REQUIRE(a.size() == b.size());
  Difference found;
  for (size_t i = 0; i < a.size(); ++i) {
    const int distance = std::abs(int{a[i]} - int{b[i]});
    if (distance > 0) ++found.count;
    found.largest = std::max(found.largest, distance);
  }
  return found;
}

/// The largest difference from the JFIF formula in real numbers.
double largest_difference(const Bytes& rgb, const Bytes& ycbcr) {
  double largest = 0;
  for (size_t i = 0; i < rgb.size(); i += 3) {
    const double y = ycbcr[i];
    const double cb = ycbcr[i + 1] - 128.0;
    const double cr = ycbcr[i + 2] - 128.0;
    const double expected[] = {y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb};
    for (size_t c = 0; c < 3; ++c) {
      largest = std::max(largest, std::abs(std::clamp(expected[c], 0.0, 255.0) - rgb[i + c]));
    }
  }
  return largest;
}

}  // namespace

TEST_CASE("lossless JPEG 2000 in RGB is read exactly, whatever its tag and wrapping") {
  const TemporaryFolder folder;
  const Bytes expected = pattern_block(whole(TiffImage{}.extent)).bytes;
  for (const uint16_t compression : {kAperioJpeg2000Rgb, kLossyJpeg2000, kJpeg2000}) {
    for (const Jp2Colors jp2 : {Jp2Colors::kNoBox, Jp2Colors::kRgb}) {
      for (const bool transform : {false, true}) {
        for (const int64_t tile : {128, 0}) {
          Jpeg2000Options options;
          options.jp2 = jp2;
          options.transform = transform;
          TiffImage image = jpeg2000_image(compression, options);
          image.tile = tile;
          write_tiff(folder / "a.tif", {{image, {}}});
          INFO(compression << " jp2 " << static_cast<int>(jp2) << " transform " << transform
                           << " tile " << tile);
          CHECK(open_slide(folder / "a.tif")->info().backend == "tiff");
          CHECK(read_all(folder / "a.tif") == expected);
        }
      }
    }
  }
}

TEST_CASE("planes, grey and transparent JPEG 2000 are read as those of other compressions") {
  const TemporaryFolder folder;
  TiffImage planes;
  planes.separate_planes = true;
  TiffImage grey;
  grey.samples = 1;
  grey.photometric = PHOTOMETRIC_MINISBLACK;
  TiffImage inverted = grey;
  inverted.photometric = PHOTOMETRIC_MINISWHITE;
  TiffImage transparent;
  transparent.samples = 4;
  transparent.alpha = true;
  for (TiffImage image : {planes, grey, inverted, transparent}) {
    write_tiff(folder / "deflate.tif", {{image, {}}});
    image.compression = kJpeg2000;
    image.encode = jpeg2000_image(kJpeg2000, {}).encode;
    write_tiff(folder / "jpeg2000.tif", {{image, {}}});
    INFO(image.samples << " samples, photometric " << image.photometric);
    const Region region = {{5, 299}, {3, 400}};
    const PixelBlock one = open_slide(folder / "deflate.tif")->read(0, region);
    const PixelBlock other = open_slide(folder / "jpeg2000.tif")->read(0, region);
    CHECK(one.bytes == other.bytes);
    CHECK(one.missing == other.missing);
  }
}

TEST_CASE("an Aperio slide of JPEG 2000 has OpenSlide's pixels") {
  const TemporaryFolder folder;
  for (const uint16_t compression : {kAperioJpeg2000YCbCr, kAperioJpeg2000Rgb}) {
    for (const Extent step : {Extent{1, 1}, Extent{1, 2}, Extent{2, 2}, Extent{2, 1}}) {
      for (const double ratio : {0.0, 10.0}) {
        Jpeg2000Options options;
        options.chroma_step = step;
        options.ratio = ratio;
        options.transform = compression == kAperioJpeg2000Rgb && step.area() == 1;
        TiffImage image = aperio_image(compression, options);
        image.photometric = ratio > 0 ? PHOTOMETRIC_YCBCR : PHOTOMETRIC_RGB;  // Not to be believed.
        write_tiff(folder / "a.svs", {{image, {}}});
        INFO(compression << " step " << to_string(step) << " ratio " << ratio);
        const auto reader = open_slide(folder / "a.svs");
        CHECK(reader->info().vendor == "aperio");
        CHECK(reader->info().backend == "tiff");
        const Bytes pixels = read_all(folder / "a.svs", Backend::kTiff);
        // OpenSlide brings an OpenJPEG of its own: releases round lossy samples apart, seldom.
        const Difference found =
            difference(pixels, read_all(folder / "a.svs", Backend::kOpenSlide));
        CHECK(found.count <= (ratio > 0 ? 10 : 0));
        CHECK(found.largest <= 2);
        const PixelBlock part = reader->read(0, {{100, 131}, {120, 400}});
        PixelBlock same{part.region, 3, Bytes(part.bytes.size()), {}};
        copy_overlap({whole(image.extent), 3, pixels, {}}, same);
        CHECK(part.bytes == same.bytes);
      }
    }
  }
}

TEST_CASE("Aperio's YCbCr becomes RGB by JFIF's formula") {
  Bytes samples = pattern_tile();
  std::mt19937 random(7);
  for (uint8_t& sample : samples) sample = static_cast<uint8_t>(random());
  const Bytes stream = encode_jpeg2000(samples, kTile, 3, {});
  CHECK(decode_tile(stream, 3, Jpeg2000Color::kRgb) == samples);
  const Bytes rgb = decode_tile(stream, 3, Jpeg2000Color::kYCbCr);
  CHECK(largest_difference(rgb, samples) < 0.51);
}

TEST_CASE("a stream's own marks of colour outweigh what a TIFF claims") {
  const Bytes samples = pattern_tile();
  Jpeg2000Options plain;
  const Bytes raw = encode_jpeg2000(samples, kTile, 3, plain);
  const Bytes converted = decode_tile(raw, 3, Jpeg2000Color::kYCbCr);
  CHECK(decode_tile(raw, 3, Jpeg2000Color::kRgbUnlessMarked) == samples);
  CHECK(decode_tile(raw, 3, Jpeg2000Color::kYCbCrUnlessMarked) == converted);
  Jpeg2000Options transformed;
  transformed.transform = true;
  const Bytes with_transform = encode_jpeg2000(samples, kTile, 3, transformed);
  CHECK(decode_tile(with_transform, 3, Jpeg2000Color::kYCbCrUnlessMarked) == samples);
  Jpeg2000Options boxed;
  boxed.jp2 = Jp2Colors::kYCbCr;
  const Bytes ycbcr = encode_jpeg2000(samples, kTile, 3, boxed);
  CHECK(decode_tile(ycbcr, 3, Jpeg2000Color::kRgbUnlessMarked) == converted);
  boxed.jp2 = Jp2Colors::kRgb;
  const Bytes rgb = encode_jpeg2000(samples, kTile, 3, boxed);
  CHECK(decode_tile(rgb, 3, Jpeg2000Color::kYCbCrUnlessMarked) == samples);
  Jpeg2000Options subsampled;
  subsampled.chroma_step = {2, 2};
  const Bytes coarse = encode_jpeg2000(samples, kTile, 3, subsampled);
  CHECK(decode_tile(coarse, 3, Jpeg2000Color::kRgbUnlessMarked) ==
        decode_tile(coarse, 3, Jpeg2000Color::kYCbCr));
}

TEST_CASE("JPEG 2000 tiles without data are OpenSlide's of Aperio and missing elsewhere") {
  const TemporaryFolder folder;
  TiffImage image = aperio_image(kAperioJpeg2000Rgb, {});
  image.skipped_tiles = {1};
  write_tiff(folder / "sparse.svs", {{image, {}}});
  const auto aperio = open_slide(folder / "sparse.svs");
  CHECK(aperio->info().backend == "openslide");
  CHECK(aperio->read(0, {{0, 128}, {0, 128}}).bytes == pattern_block({{0, 128}, {0, 128}}).bytes);
  image.description.clear();
  write_tiff(folder / "sparse.tif", {{image, {}}});
  const PixelBlock block = open_slide(folder / "sparse.tif")->read(0, {{0, 1}, {127, 129}});
  CHECK(block.missing == Bytes{0, 1});
  CHECK(block.bytes[3] == 255);
}

TEST_CASE("a JPEG 2000 stream that is cut is an error, never grey") {
  for (const Extent& inner : {Extent{}, Extent{32, 32}}) {
    for (const double ratio : {0.0, 20.0}) {
      Jpeg2000Options options;
      options.tile = inner;
      options.ratio = ratio;
      options.jp2 = ratio > 0 ? Jp2Colors::kRgb : Jp2Colors::kNoBox;
      const Bytes stream = encode_jpeg2000(pattern_tile(), kTile, 3, options);
      decode_tile(stream);
      // The last two bytes are the end marker, without which the pixels are still there.
      for (size_t size = 0; size < stream.size() - 2; size += 1 + size / 64) {
        INFO(size << " of " << stream.size());
        const std::string error =
            tile_error({stream.begin(), stream.begin() + static_cast<std::ptrdiff_t>(size)});
        CHECK_THAT(error, contains_text("JPEG 2000") || contains_text("JP2"));
      }
    }
  }
}

TEST_CASE("a JPEG 2000 tile whose size is left open must reach its end marker") {
  Bytes stream = encode_jpeg2000(pattern_tile(), kTile, 3, {});
  const std::array<uint8_t, 2> marker = {0xFF, 0x90};
  const auto found = std::search(stream.begin(), stream.end(), marker.begin(), marker.end());
  REQUIRE(found != stream.end());
  put_integer(stream, static_cast<size_t>(found - stream.begin()) + 6, 0, 4);
  CHECK(decode_tile(stream) == pattern_tile());
  stream.push_back(0);
  CHECK(decode_tile(stream) == pattern_tile());
  stream.resize(stream.size() / 2);
  CHECK_THAT(tile_error(stream), contains_text("ends early"));
}

TEST_CASE("a JPEG 2000 stream with fewer tiles than it announces is an error") {
  Jpeg2000Options options;
  options.tile = {32, 32};
  Bytes stream = encode_jpeg2000(pattern_tile(), kTile, 3, options);
  const std::array<uint8_t, 2> marker = {0xFF, 0x90};
  const auto last = std::find_end(stream.begin(), stream.end(), marker.begin(), marker.end());
  REQUIRE(last != stream.end());
  stream.erase(last, stream.end() - 2);
  CHECK_THAT(tile_error(stream), contains_text("tile 5 of 6") && contains_text("not complete"));
}

TEST_CASE("a JPEG 2000 stream that claims more than its tile is refused before it is decoded") {
  const Bytes stream = encode_jpeg2000(pattern_tile(), kTile, 3, {});
  constexpr size_t kWidth = 8;
  constexpr size_t kHeight = 12;
  constexpr size_t kTileWidth = 24;
  constexpr size_t kTileHeight = 28;
  constexpr size_t kComponents = 40;
  Bytes huge = stream;
  for (const size_t at : {kWidth, kHeight, kTileWidth, kTileHeight}) {
    put_integer(huge, at, 0xFFFFFFFF, 4);
  }
  CHECK_THAT(tile_error(huge),
             contains_text("4294967295 x 4294967295") && contains_text("where 64 x 96"));
  Bytes wider = stream;
  put_integer(wider, kWidth, static_cast<uint64_t>(kTile.cols + 1), 4);
  put_integer(wider, kTileWidth, static_cast<uint64_t>(kTile.cols + 1), 4);
  CHECK_THAT(tile_error(wider), contains_text("64 x 97") && contains_text("64 x 96"));
  Bytes split = stream;
  for (const size_t at : {kTileWidth, kTileHeight}) put_integer(split, at, 1, 4);
  CHECK_THAT(tile_error(split), contains_text("64 x 96 tiles where 1024 can be read"));
  Bytes many = stream;
  put_integer(many, kComponents, 16384, 2);
  CHECK_FALSE(tile_error(many).empty());
}

TEST_CASE("a JPEG 2000 stream of fewer pixels or other channels than its tile is an error") {
  Bytes samples = pattern_tile();
  samples.resize(static_cast<size_t>(kTile.cols * (kTile.rows - 1) * 3));
  const Bytes lower = encode_jpeg2000(samples, {kTile.rows - 1, kTile.cols}, 3, {});
  CHECK_THAT(tile_error(lower), contains_text("63 x 96") && contains_text("where 64 x 96"));
  const Bytes grey = encode_jpeg2000(pattern_tile(1), kTile, 1, {});
  CHECK_THAT(tile_error(grey), contains_text("1 channels where"));
}

TEST_CASE("JPEG 2000 samples that are not unsigned ones of 8 bits are refused") {
  Jpeg2000Options deep;
  deep.bits = 12;
  CHECK_THAT(tile_error(encode_jpeg2000(pattern_tile(), kTile, 3, deep)),
             contains_text("12 bits where 8 can be read"));
  Jpeg2000Options with_sign;
  with_sign.is_signed = true;
  CHECK_THAT(tile_error(encode_jpeg2000(pattern_tile(), kTile, 3, with_sign)),
             contains_text("8 bits with a sign"));
}

TEST_CASE("noise in place of a JPEG 2000 stream is an error, and inside of one never a crash") {
  std::mt19937 random(5);
  Bytes noise(3000);
  for (uint8_t& byte : noise) byte = static_cast<uint8_t>(random());
  CHECK_THAT(tile_error(noise), contains_text("no JPEG 2000 stream"));
  CHECK_THAT(tile_error(Bytes(3000, 0)), contains_text("begin with 00000000"));
  Bytes begun = noise;
  put_integer(begun, 0, 0xFF4FFF51, 4);
  CHECK_FALSE(tile_error(begun).empty());
  for (int i = 0; i < 400; ++i) {
    Jpeg2000Options options;
    options.ratio = 10;
    options.jp2 = i % 2 == 0 ? Jp2Colors::kNoBox : Jp2Colors::kRgb;
    Bytes stream = encode_jpeg2000(pattern_tile(), kTile, 3, options);
    const size_t among = i % 4 < 2 ? 200 : stream.size();  // Headers, or anywhere.
    for (int change = 0; change < 3; ++change) {
      stream[random() % among] = static_cast<uint8_t>(random());
    }
    try {
      decode_tile(stream);
    } catch (const DataError&) {
      continue;
    }
  }
}

TEST_CASE("a damaged JPEG 2000 tile of a slide fails with its place and leaves the others") {
  const TemporaryFolder folder;
  write_tiff(folder / "a.svs", {{aperio_image(kAperioJpeg2000Rgb, {}), {}}});
  const TiffBlock tile = read_tiff_file(folder / "a.svs").main.at(0).blocks.at(0);
  std::fstream file(folder / "a.svs", std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(tile.offset));
  file << std::string(40, '\xAA');
  file.close();
  const auto reader = open_slide(folder / "a.svs");
  CHECK(reader->info().backend == "tiff");
  CHECK_THAT(data_error([&] {
               reader->read(0, {{0, 10}, {0, 10}});
             }),
             contains_text("a.svs is damaged: rows [0, 128)") && contains_text("AAAAAAAA"));
  const Region sound = {{130, 200}, {130, 200}};
  CHECK(reader->read(0, sound).bytes == pattern_block(sound).bytes);
}
