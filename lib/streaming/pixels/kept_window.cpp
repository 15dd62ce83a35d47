#include "lib/streaming/pixels/pixel_window.h"
#include "lib/streaming/pixels/read_named.h"

namespace untiled {
namespace {

class KeptWindow : public PixelWindow {
 public:
  KeptWindow(const PixelSource& source, const Upload& upload) : source_(source), upload_(upload) {}

  void fill(const Region& piece) override {
    read_named(piece, [&] { source_.keep(piece); });
  }

  WindowView view(const Region& region, bool /*with_missing*/) override {
    PixelView pixels = read_named(region, [&] { return source_.view(region); });
    return {upload_(tensor_of(pixels)), std::move(pixels.missing)};
  }

  void release_rows(int64_t /*row*/) override {}

 private:
  const PixelSource& source_;
  const Upload& upload_;
};

}  // namespace

std::unique_ptr<PixelWindow> make_kept_window(const PixelSource& source, const Upload& upload) {
  return std::make_unique<KeptWindow>(source, upload);
}

}  // namespace untiled
