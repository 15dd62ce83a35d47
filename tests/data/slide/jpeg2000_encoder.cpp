#include "tests/data/slide/jpeg2000_encoder.h"

#include <openjpeg.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "tests/catch.h"

namespace untiled::testing {
namespace {

struct Sink {
  Bytes bytes;
  size_t at = 0;
};

OPJ_SIZE_T write_sink(void* from, OPJ_SIZE_T count, void* user) {
  Sink& sink = *static_cast<Sink*>(user);
  sink.bytes.resize(std::max(sink.bytes.size(), sink.at + count));
  std::copy_n(static_cast<const uint8_t*>(from), count, &sink.bytes[sink.at]);
  sink.at += count;
  return count;
}

OPJ_OFF_T skip_sink(OPJ_OFF_T count, void* user) {
  static_cast<Sink*>(user)->at += static_cast<size_t>(count);
  return count;
}

OPJ_BOOL seek_sink(OPJ_OFF_T offset, void* user) {
  static_cast<Sink*>(user)->at = static_cast<size_t>(offset);
  return OPJ_TRUE;
}

struct Free {
  void operator()(opj_image_t* image) const { opj_image_destroy(image); }
  void operator()(opj_stream_t* stream) const { opj_stream_destroy(stream); }
};
struct FreeCodec {
  void operator()(opj_codec_t* codec) const { opj_destroy_codec(codec); }
};
using Image = std::unique_ptr<opj_image_t, Free>;

OPJ_COLOR_SPACE color_space(int channels, Jp2Colors colors) {
  if (channels < 3) return OPJ_CLRSPC_GRAY;
  return colors == Jp2Colors::kYCbCr ? OPJ_CLRSPC_SYCC : OPJ_CLRSPC_SRGB;
}

Image make_image(const Bytes& samples, const Extent& extent, int channels,
                 const Jpeg2000Options& options) {
  std::vector<opj_image_cmptparm_t> components(static_cast<size_t>(channels));
  for (size_t c = 0; c < components.size(); ++c) {
    const Extent step = c == 1 || c == 2 ? options.chroma_step : Extent{1, 1};
    components[c].dx = static_cast<OPJ_UINT32>(step.cols);
    components[c].dy = static_cast<OPJ_UINT32>(step.rows);
    components[c].w = static_cast<OPJ_UINT32>(ceil_div(extent.cols, step.cols));
    components[c].h = static_cast<OPJ_UINT32>(ceil_div(extent.rows, step.rows));
    components[c].prec = static_cast<OPJ_UINT32>(options.bits);
    components[c].sgnd = options.is_signed ? 1 : 0;
  }
  Image image(opj_image_create(static_cast<OPJ_UINT32>(channels), components.data(),
                               color_space(channels, options.jp2)));
  REQUIRE(image);
  image->x1 = static_cast<OPJ_UINT32>(extent.cols);
  image->y1 = static_cast<OPJ_UINT32>(extent.rows);
  for (size_t c = 0; c < components.size(); ++c) {
    const opj_image_comp_t& component = image->comps[c];
    for (size_t i = 0; i < size_t{component.w} * component.h; ++i) {
      const size_t row = i / component.w * component.dy;
      const size_t col = i % component.w * component.dx;
      const size_t pixel = row * static_cast<size_t>(extent.cols) + col;
      component.data[i] = samples[pixel * components.size() + c];
    }
  }
  return image;
}

opj_cparameters_t parameters_of(int channels, const Jpeg2000Options& options) {
  opj_cparameters_t parameters;
  opj_set_default_encoder_parameters(&parameters);
  parameters.tcp_numlayers = 1;
  parameters.cp_disto_alloc = 1;
  parameters.tcp_rates[0] = static_cast<float>(options.ratio);
  parameters.irreversible = options.ratio > 0 ? 1 : 0;
  parameters.tcp_mct = static_cast<char>(options.transform && channels >= 3 ? 1 : 0);
  parameters.tile_size_on = options.tile.empty() ? OPJ_FALSE : OPJ_TRUE;
  parameters.cp_tdx = static_cast<int>(options.tile.cols);
  parameters.cp_tdy = static_cast<int>(options.tile.rows);
  return parameters;
}

}  // namespace

Bytes encode_jpeg2000(const Bytes& samples, const Extent& extent, int channels,
                      const Jpeg2000Options& options) {
  const Image image = make_image(samples, extent, channels, options);
  const bool raw = options.jp2 == Jp2Colors::kNoBox;
  const std::unique_ptr<opj_codec_t, FreeCodec> codec(
      opj_create_compress(raw ? OPJ_CODEC_J2K : OPJ_CODEC_JP2));
  opj_cparameters_t parameters = parameters_of(channels, options);
  REQUIRE(opj_setup_encoder(codec.get(), &parameters, image.get()) == OPJ_TRUE);
  Sink sink;
  const std::unique_ptr<opj_stream_t, Free> stream(opj_stream_default_create(OPJ_FALSE));
  opj_stream_set_user_data(stream.get(), &sink, nullptr);
  opj_stream_set_write_function(stream.get(), write_sink);
  opj_stream_set_skip_function(stream.get(), skip_sink);
  opj_stream_set_seek_function(stream.get(), seek_sink);
  REQUIRE(opj_start_compress(codec.get(), image.get(), stream.get()) == OPJ_TRUE);
  REQUIRE(opj_encode(codec.get(), stream.get()) == OPJ_TRUE);
  REQUIRE(opj_end_compress(codec.get(), stream.get()) == OPJ_TRUE);
  return sink.bytes;
}

}  // namespace untiled::testing
