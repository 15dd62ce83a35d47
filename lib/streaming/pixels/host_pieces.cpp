#include <utility>

#include "lib/streaming/pixels/piece_reader.h"
#include "lib/streaming/pixels/pixel_window.h"

namespace untiled {
namespace {

class HostPieces : public PieceReader {
 public:
  HostPieces(const PixelSource& source, const Upload& upload) : source_(source), upload_(upload) {}

  ReadPiece read(const Region& piece) const override {
    PixelBlock block = source_.read(piece);
    ReadPiece made;
    made.missing = {.region = piece, .channels = 0, .bytes = {}, .missing = block.missing};
    made.pixels = upload_(tensor_of(view_of(std::move(block))));
    return made;
  }

 private:
  const PixelSource& source_;
  const Upload& upload_;
};

}  // namespace

std::unique_ptr<PieceReader> make_host_pieces(const PixelSource& source, const Upload& upload) {
  return std::make_unique<HostPieces>(source, upload);
}

}  // namespace untiled
