#include "data/slide/jpeg2000.h"

#include <fmt/format.h>
#include <openjpeg.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "data/slide/jpeg2000_codestream.h"
#include "data/slide/ycbcr.h"
#include "lib/core/error.h"

namespace untiled {
namespace {

/// A stream in memory, as OpenJPEG asks for it.
struct Source {
  std::span<const uint8_t> bytes;
  size_t at = 0;

  size_t left() const { return bytes.size() - at; }
};

/// What OpenJPEG's functions take for the end of the stream.
constexpr auto kNoBytes = static_cast<OPJ_SIZE_T>(-1);

OPJ_SIZE_T read_source(void* to, OPJ_SIZE_T count, void* user) {
  Source& source = *static_cast<Source*>(user);
  const size_t taken = std::min<size_t>(count, source.left());
  if (taken == 0) return kNoBytes;
  std::memcpy(to, source.bytes.data() + source.at, taken);
  source.at += taken;
  return taken;
}

OPJ_OFF_T skip_source(OPJ_OFF_T count, void* user) {
  Source& source = *static_cast<Source*>(user);
  if (count < 0 || static_cast<size_t>(count) > source.left()) return -1;
  source.at += static_cast<size_t>(count);
  return count;
}

OPJ_BOOL seek_source(OPJ_OFF_T offset, void* user) {
  Source& source = *static_cast<Source*>(user);
  if (offset < 0 || static_cast<size_t>(offset) > source.bytes.size()) return OPJ_FALSE;
  source.at = static_cast<size_t>(offset);
  return OPJ_TRUE;
}

void ignore_message(const char* /*message*/, void* /*user*/) {}

/// OpenJPEG's state and its first error, which is the most specific one.
class Decoder {
 public:
  Decoder(std::span<const uint8_t> stream, OPJ_CODEC_FORMAT format)
      : source_{stream, 0},
        stream_(opj_stream_create(std::min(stream.size(), kMostBuffered), OPJ_TRUE)),
        codec_(opj_create_decompress(format)) {
    if (!stream_ || !codec_) throw DataError("OpenJPEG has not enough memory");
    opj_stream_set_user_data(stream_.get(), &source_, nullptr);
    opj_stream_set_user_data_length(stream_.get(), stream.size());
    opj_stream_set_read_function(stream_.get(), read_source);
    opj_stream_set_skip_function(stream_.get(), skip_source);
    opj_stream_set_seek_function(stream_.get(), seek_source);
    opj_set_error_handler(codec_.get(), keep_error, this);
    opj_set_warning_handler(codec_.get(), ignore_message, nullptr);
    opj_set_info_handler(codec_.get(), ignore_message, nullptr);
  }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  /// The decoded components; they are the decoder's.
  const opj_image_t& decode() {
    opj_dparameters_t parameters{};
    opj_set_default_decoder_parameters(&parameters);
    require(opj_setup_decoder(codec_.get(), &parameters));
    // No threads, whatever OpenJPEG's environment variable says.
    require(opj_codec_set_threads(codec_.get(), 0));
    opj_image_t* image = nullptr;
    const OPJ_BOOL has_header = opj_read_header(stream_.get(), codec_.get(), &image);
    image_.reset(image);
    require(has_header);
    require(opj_decode(codec_.get(), stream_.get(), image));
    return *image_;
  }

 private:
  static constexpr size_t kMostBuffered = 1 << 20;

  struct Free {
    void operator()(opj_stream_t* stream) const { opj_stream_destroy(stream); }
    void operator()(opj_image_t* image) const { opj_image_destroy(image); }
  };
  struct FreeCodec {
    void operator()(opj_codec_t* codec) const { opj_destroy_codec(codec); }
  };

  static void keep_error(const char* message, void* user) {
    auto& error = static_cast<Decoder*>(user)->error_;
    if (error.front() != '\0') return;
    std::snprintf(error.data(), error.size(), "%.*s", static_cast<int>(std::strcspn(message, "\n")),
                  message);
  }

  void require(OPJ_BOOL ok) const {
    if (ok == OPJ_TRUE) return;
    throw DataError(fmt::format("OpenJPEG cannot decode its JPEG 2000 stream: {}",
                                error_.front() == '\0' ? "unknown reason" : error_.data()));
  }

  Source source_;
  std::array<char, 512> error_{};
  std::unique_ptr<opj_stream_t, Free> stream_;
  std::unique_ptr<opj_codec_t, FreeCodec> codec_;
  std::unique_ptr<opj_image_t, Free> image_;
};

void require_fitting(const Jpeg2000Codestream& stream, const SampleTarget& target,
                     const Extent& most) {
  const Extent& extent = stream.extent;
  const auto channels = static_cast<int>(stream.components.size());
  const bool fits = extent.rows >= target.extent.rows && extent.cols >= target.extent.cols &&
                    extent.rows <= most.rows && extent.cols <= most.cols;
  if (!fits || channels != target.channels) {
    throw DataError(
        fmt::format("its JPEG 2000 stream has {} and {} channels where {} and {} belong",
                    to_string(extent), channels, to_string(most), target.channels));
  }
  for (const Jpeg2000Component& component : stream.components) {
    if (component.bits == 8 && !component.is_signed) continue;
    throw DataError(fmt::format(
        "its JPEG 2000 samples have {} bits{} where 8 can be read: convert it to 8-bit RGB",
        component.bits, component.is_signed ? " with a sign" : ""));
  }
}

/// A JP2 header may turn components into others, for which nothing is prepared.
void require_as_announced(const opj_image_t& image, const Jpeg2000Codestream& stream) {
  bool same = image.numcomps == stream.components.size();
  for (size_t i = 0; same && i < stream.components.size(); ++i) {
    const opj_image_comp_t& found = image.comps[i];
    const Extent& step = stream.components[i].step;
    same = found.data != nullptr && found.prec == 8 && found.sgnd == 0 &&
           found.w == ceil_div(stream.extent.cols, step.cols) &&
           found.h == ceil_div(stream.extent.rows, step.rows);
  }
  if (!same) throw DataError("the components of its JPEG 2000 stream are not those it announces");
}

bool is_ycbcr(Jpeg2000Color color, const Jpeg2000Codestream& stream, OPJ_COLOR_SPACE marked) {
  if (stream.components.size() < 3 || color == Jpeg2000Color::kRgb) return false;
  if (color == Jpeg2000Color::kYCbCr || marked == OPJ_CLRSPC_SYCC) return true;
  if (marked == OPJ_CLRSPC_CMYK || marked == OPJ_CLRSPC_EYCC) {
    throw DataError("its JP2 stream has colours that are neither RGB nor YCbCr");
  }
  if (marked == OPJ_CLRSPC_SRGB) return false;
  if (stream.is_subsampled()) return true;
  return color == Jpeg2000Color::kYCbCrUnlessMarked && !stream.transforms_color;
}

/// The components of a row of the image, each sample as often as it stands for a column.
class RowReader {
 public:
  RowReader(const opj_image_t& image, const Jpeg2000Codestream& stream)
      : image_(image), stream_(stream) {
    for (const Jpeg2000Component& component : stream.components) {
      const bool spread = component.step.cols > 1;
      spread_.emplace_back(spread ? static_cast<size_t>(stream.extent.cols) : 0);
    }
  }

  const OPJ_INT32* read(size_t component, int64_t row) {
    const Extent& step = stream_.components[component].step;
    const opj_image_comp_t& samples = image_.comps[component];
    const OPJ_INT32* const first = samples.data + row / step.rows * int64_t{samples.w};
    std::vector<OPJ_INT32>& spread = spread_[component];
    if (spread.empty()) return first;
    for (size_t col = 0; col < spread.size(); ++col) {
      spread[col] = first[col / static_cast<size_t>(step.cols)];
    }
    return spread.data();
  }

 private:
  const opj_image_t& image_;
  const Jpeg2000Codestream& stream_;
  std::vector<std::vector<OPJ_INT32>> spread_;
};

void put_rows(RowReader& rows, bool ycbcr, const SampleTarget& target) {
  const auto channels = static_cast<size_t>(target.channels);
  for (int64_t row = 0; row < target.extent.rows; ++row) {
    uint8_t* const to = target.samples + static_cast<size_t>(row) * target.row_bytes;
    for (size_t c = 0; c < channels; ++c) {
      const OPJ_INT32* const from = rows.read(c, row);
      for (size_t col = 0; col < static_cast<size_t>(target.extent.cols); ++col) {
        to[col * channels + c] = static_cast<uint8_t>(from[col]);
      }
    }
    if (ycbcr) ycbcr_to_rgb(to, target.extent.cols, target.channels);
  }
}

}  // namespace

void decode_jpeg2000_into(std::span<const uint8_t> stream, Jpeg2000Color color,
                          const SampleTarget& target, const Extent& most) {
  const Jpeg2000Codestream codestream = read_jpeg2000_codestream(stream);
  require_fitting(codestream, target, most);
  Decoder decoder(stream, is_jp2(stream) ? OPJ_CODEC_JP2 : OPJ_CODEC_J2K);
  const opj_image_t& image = decoder.decode();
  require_as_announced(image, codestream);
  RowReader rows(image, codestream);
  put_rows(rows, is_ycbcr(color, codestream, image.color_space), target);
}

}  // namespace untiled
