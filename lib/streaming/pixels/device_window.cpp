#include <ATen/ops/empty.h>

#include <algorithm>
#include <list>
#include <mutex>
#include <utility>

#include "lib/streaming/pixels/inside.h"
#include "lib/streaming/pixels/pixel_window.h"
#include "lib/streaming/pixels/read_named.h"

namespace untiled {
namespace {

class DeviceWindow : public PixelWindow {
 public:
  DeviceWindow(std::unique_ptr<PieceReader> reader, at::Device device)
      : reader_(std::move(reader)), device_(device) {}

  void fill(const Region& piece) override {
    ReadPiece made = read_named(piece, [&] { return reader_->read(piece); });
    const std::lock_guard lock(mutex_);
    pieces_.push_back(std::move(made));
  }

  WindowView view(const Region& region, bool with_missing) override {
    PixelBlock marks{.region = region, .channels = 0, .bytes = {}, .missing = {}};
    const std::vector<ReadPiece> met = pieces_in(region);
    WindowView view;
    view.pixels = at::empty({region.rows.size(), region.cols.size(), 3},
                            at::TensorOptions().dtype(at::kByte).device(device_));
    for (const ReadPiece& piece : met) {
      const Region part = intersect(piece.missing.region, region);
      inside(view.pixels, part, region).copy_(inside(piece.pixels, part, piece.missing.region));
      if (with_missing) copy_overlap(piece.missing, marks);
    }
    view.missing = std::move(marks.missing);
    return view;
  }

  void release_rows(int64_t row) override {
    const std::lock_guard lock(mutex_);
    std::erase_if(pieces_,
                  [&](const ReadPiece& piece) { return piece.missing.region.rows.end <= row; });
  }

 private:
  std::vector<ReadPiece> pieces_in(const Region& region) {
    const std::lock_guard lock(mutex_);
    std::vector<ReadPiece> met;
    for (const ReadPiece& piece : pieces_) {
      if (!intersect(piece.missing.region, region).empty()) met.push_back(piece);
    }
    return met;
  }

  std::unique_ptr<PieceReader> reader_;
  at::Device device_;
  std::mutex mutex_;
  std::list<ReadPiece> pieces_;
};

}  // namespace

std::unique_ptr<PixelWindow> make_device_window(std::unique_ptr<PieceReader> reader,
                                                at::Device device) {
  return std::make_unique<DeviceWindow>(std::move(reader), device);
}

}  // namespace untiled
