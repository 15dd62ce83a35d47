#include <ATen/ops/empty.h>

#include <algorithm>
#include <list>
#include <mutex>
#include <utility>

#include "lib/streaming/pixels/pixel_window.h"
#include "lib/streaming/pixels/read_named.h"
#include "lib/streaming/stores/layer_store.h"

namespace untiled {
namespace {

class DeviceWindow : public PixelWindow {
 public:
  DeviceWindow(const PixelSource& source, const Upload& upload)
      : source_(source), upload_(upload) {}

  void fill(const Region& piece) override {
    PixelBlock block = read_named(piece, [&] { return source_.read(piece); });
    Piece made{.region = piece, .pixels = {}, .marks = {}};
    made.marks = {.region = piece, .channels = 0, .bytes = {}, .missing = block.missing};
    made.pixels = upload_(tensor_of(view_of(std::move(block))));
    const std::lock_guard lock(mutex_);
    pieces_.push_back(std::move(made));
  }

  WindowView view(const Region& region, bool with_missing) override {
    PixelBlock marks{.region = region, .channels = 0, .bytes = {}, .missing = {}};
    std::vector<Piece> met = pieces_in(region);
    WindowView view;
    view.pixels = at::empty({region.rows.size(), region.cols.size(), 3},
                            at::TensorOptions().dtype(at::kByte).device(upload_.device()));
    for (const Piece& piece : met) {
      const Region part = intersect(piece.region, region);
      inside(view.pixels, part, region).copy_(inside(piece.pixels, part, piece.region));
      if (with_missing) copy_overlap(piece.marks, marks);
    }
    view.missing = std::move(marks.missing);
    return view;
  }

  void release_rows(int64_t row) override {
    const std::lock_guard lock(mutex_);
    std::erase_if(pieces_, [&](const Piece& piece) { return piece.region.rows.end <= row; });
  }

 private:
  struct Piece {
    Region region;
    at::Tensor pixels;  ///< [rows, cols, 3] on the device.
    PixelBlock marks;   ///< Without bytes.
  };

  static at::Tensor inside(const at::Tensor& pixels, const Region& part, const Region& origin) {
    return pixels.narrow(0, part.rows.begin - origin.rows.begin, part.rows.size())
        .narrow(1, part.cols.begin - origin.cols.begin, part.cols.size());
  }

  std::vector<Piece> pieces_in(const Region& region) {
    const std::lock_guard lock(mutex_);
    std::vector<Piece> met;
    for (const Piece& piece : pieces_) {
      if (!intersect(piece.region, region).empty()) met.push_back(piece);
    }
    return met;
  }

  const PixelSource& source_;
  const Upload& upload_;
  std::mutex mutex_;
  std::list<Piece> pieces_;
};

}  // namespace

std::unique_ptr<PixelWindow> make_device_window(const PixelSource& source, const Upload& upload) {
  return std::make_unique<DeviceWindow>(source, upload);
}

}  // namespace untiled
