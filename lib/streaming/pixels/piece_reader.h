// Where pieces of a slide come from that a device computes with.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

#include "lib/core/pixel_source.h"
#include "lib/streaming/tile_decoding.h"
#include "lib/streaming/upload.h"

namespace untiled {

struct ReadPiece {
  at::Tensor pixels;   ///< [rows, cols, 3] uint8 on the device.
  PixelBlock missing;  ///< Marks of the piece, without bytes.
};

/// Any thread. What a thread asks the device for after a call waits for its pixels.
class PieceReader {
 public:
  virtual ~PieceReader() = default;
  /// Throws what the source throws.
  virtual ReadPiece read(const Region& piece) const = 0;
};

/// The host decodes, and each pixel goes up once. Keeps references.
std::unique_ptr<PieceReader> make_host_pieces(const PixelSource& source, const Upload& upload);

/// JPEG tiles are decoded to their place in a device's memory, or in the host's by nvImageCodec;
/// what is none, does not lie in one piece or cannot be decoded so is read as by the former. Keeps
/// references.
std::unique_ptr<PieceReader> make_decoded_pieces(const PixelSource& source, const Upload& upload,
                                                 const TileDecoding& decoding);

}  // namespace untiled
