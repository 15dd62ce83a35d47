#include "data/slide/jpeg.h"

#include <fmt/format.h>
#include <jerror.h>
#include <jpeglib.h>

#include <array>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "data/slide/exif.h"
#include "lib/core/error.h"

namespace untiled {
namespace {

/// libjpeg's state and its way out of an error: it may not return from error_exit, so that jumps
/// back to the `setjmp` of the function that called it, which holds nothing to destroy.
struct Decoder {
  jpeg_decompress_struct state{};
  jpeg_error_mgr errors{};
  std::jmp_buf jump{};
  std::array<char, JMSG_LENGTH_MAX> message{};

  Decoder() {
    state.err = jpeg_std_error(&errors);
    state.client_data = this;
    errors.error_exit = &Decoder::fail;
    errors.emit_message = &Decoder::on_message;
    jpeg_create_decompress(&state);
  }
  ~Decoder() { jpeg_destroy_decompress(&state); }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  static Decoder& of(j_common_ptr common) { return *static_cast<Decoder*>(common->client_data); }

  [[noreturn]] static void fail(j_common_ptr common) {
    Decoder& self = of(common);
    common->err->format_message(common, self.message.data());
    std::longjmp(self.jump, 1);  // NOLINT(cert-err52-cpp): libjpeg's protocol
  }

  /// Data that end early or make no sense come as warnings; libjpeg would fill the rest with grey
  /// or noise. Bytes beyond what a picture needs do no harm.
  static void on_message(j_common_ptr common, int level) {
    const int code = common->err->msg_code;
    if (level >= 0) return;
    if (code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER || code == JWRN_HUFF_BAD_CODE ||
        code == JWRN_MUST_RESYNC || code == JWRN_BOGUS_PROGRESSION) {
      fail(common);
    }
  }

  bool read_header(std::span<const uint8_t> tables, std::span<const uint8_t> stream) {
    if (setjmp(jump) != 0) return false;
    if (!tables.empty()) {
      jpeg_mem_src(&state, tables.data(), tables.size());
      jpeg_read_header(&state, FALSE);
    }
    jpeg_mem_src(&state, stream.data(), stream.size());
    jpeg_save_markers(&state, JPEG_APP0 + 1, 0xFFFF);
    jpeg_save_markers(&state, JPEG_APP0 + 2, 0xFFFF);
    jpeg_read_header(&state, TRUE);
    return true;
  }

  bool start() {
    if (setjmp(jump) != 0) return false;
    jpeg_start_decompress(&state);
    return true;
  }

  bool read_rows(uint8_t* pixels, size_t row_bytes) {
    if (setjmp(jump) != 0) return false;
    while (state.output_scanline < state.output_height) {
      JSAMPROW row = pixels + state.output_scanline * row_bytes;
      jpeg_read_scanlines(&state, &row, 1);
    }
    jpeg_finish_decompress(&state);
    return true;
  }

  /// Rows straight to their place where they fit, else by way of `row`.
  bool read_into(const SampleTarget& target, std::vector<uint8_t>& row) {
    if (setjmp(jump) != 0) return false;
    const auto width = static_cast<size_t>(target.extent.cols * target.channels);
    const bool fits = state.output_width == target.extent.cols;
    while (state.output_scanline < state.output_height) {
      const size_t y = state.output_scanline;
      const bool wanted = y < static_cast<size_t>(target.extent.rows);
      uint8_t* const to = wanted ? target.samples + y * target.row_bytes : nullptr;
      JSAMPROW into = wanted && fits ? to : row.data();
      jpeg_read_scanlines(&state, &into, 1);
      if (wanted && !fits) std::memcpy(to, row.data(), width);
    }
    jpeg_finish_decompress(&state);
    return true;
  }

  Extent extent() const { return {state.image_height, state.image_width}; }
};

void require(bool ok, const Decoder& decoder) {
  if (!ok) throw DataError(decoder.message.data());
}

void require_known_size(int channels, const Extent& extent, int64_t max_pixels) {
  if (channels != 1 && channels != 3) {
    throw DataError(fmt::format("it has {} colour components where 1 or 3 can be read", channels));
  }
  if (extent.area() > max_pixels) {
    throw DataError(fmt::format("it has {} pixels where at most {} were expected",
                                to_string(extent), max_pixels));
  }
}

bool same_sampling(const jpeg_decompress_struct& state) {
  for (int i = 1; i < state.num_components; ++i) {
    if (state.comp_info[i].h_samp_factor != state.comp_info[0].h_samp_factor ||
        state.comp_info[i].v_samp_factor != state.comp_info[0].v_samp_factor) {
      return false;
    }
  }
  return true;
}

/// Whether a stream itself says what its three components are.
bool is_marked(const jpeg_decompress_struct& state) {
  return state.saw_JFIF_marker || state.saw_Adobe_marker || !same_sampling(state);
}

void choose_color(jpeg_decompress_struct& state, JpegColor color) {
  const bool marked = is_marked(state);
  if (color == JpegColor::kYCbCr) state.jpeg_color_space = JCS_YCbCr;
  if (color == JpegColor::kRgbUnlessMarked && !marked) state.jpeg_color_space = JCS_RGB;
  state.out_color_space = JCS_RGB;
}

/// The Exif data in a marker's block; empty where it holds others.
std::span<const uint8_t> exif_of(std::span<const uint8_t> block) {
  constexpr std::array<uint8_t, 6> kExif = {'E', 'x', 'i', 'f', 0, 0};
  const bool is_exif =
      block.size() > kExif.size() && std::memcmp(block.data(), kExif.data(), kExif.size()) == 0;
  return is_exif ? block.subspan(kExif.size()) : std::span<const uint8_t>{};
}

bool is_icc(std::span<const uint8_t> block) {
  return block.size() > 12 && std::memcmp(block.data(), "ICC_PROFILE", 12) == 0;
}

}  // namespace

JpegHeader read_jpeg_header(std::span<const uint8_t> stream) {
  Decoder decoder;
  require(decoder.read_header({}, stream), decoder);
  JpegHeader header{decoder.extent(), decoder.state.num_components};
  if (header.components == 3 && is_marked(decoder.state)) {
    header.is_ycbcr = decoder.state.jpeg_color_space == JCS_YCbCr;
  }
  for (auto* marker = decoder.state.marker_list; marker != nullptr; marker = marker->next) {
    const std::span<const uint8_t> block(marker->data, marker->data_length);
    if (is_icc(block)) header.has_icc = true;
    const int orientation = exif_orientation(exif_of(block));
    if (orientation != 1) header.exif_orientation = orientation;
  }
  return header;
}

void decode_jpeg_into(std::span<const uint8_t> tables, std::span<const uint8_t> stream,
                      JpegColor color, const SampleTarget& target, int64_t max_pixels) {
  Decoder decoder;
  require(decoder.read_header(tables, stream), decoder);
  const int channels = decoder.state.num_components;
  const Extent extent = decoder.extent();
  if (channels != target.channels || extent.rows < target.extent.rows ||
      extent.cols < target.extent.cols) {
    throw DataError(fmt::format("its JPEG stream has {} and {} channels where {} and {} belong",
                                to_string(extent), channels, to_string(target.extent),
                                target.channels));
  }
  require_known_size(channels, extent, max_pixels);
  if (channels == 3) choose_color(decoder.state, color);
  require(decoder.start(), decoder);
  std::vector<uint8_t> row(static_cast<size_t>(extent.cols * channels));
  require(decoder.read_into(target, row), decoder);
}

JpegImage decode_jpeg(std::span<const uint8_t> tables, std::span<const uint8_t> stream,
                      JpegColor color, int64_t max_pixels) {
  Decoder decoder;
  require(decoder.read_header(tables, stream), decoder);
  const int channels = decoder.state.num_components;
  require_known_size(channels, decoder.extent(), max_pixels);
  if (channels == 3) choose_color(decoder.state, color);
  JpegImage image{decoder.extent(), channels, {}};
  require(decoder.start(), decoder);
  image.pixels.resize(static_cast<size_t>(image.extent.area() * channels));
  require(decoder.read_rows(image.pixels.data(), static_cast<size_t>(image.extent.cols * channels)),
          decoder);
  return image;
}

}  // namespace untiled
