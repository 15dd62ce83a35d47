#include "lib/streaming/kernel.h"

namespace untiled {

at::Tensor SegmentKernel::loss_sums(const Segment& segment, const TileRegions& regions,
                                    const std::vector<Extent>& extents,
                                    const std::vector<at::Tensor>& parameters, LayerTensors crops,
                                    const at::Tensor& labels, const PixelLoss& loss) const {
  const LayerTensors values =
      forward(segment, regions, extents, parameters, std::move(crops), /*keep=*/false);
  return loss.sums(values[static_cast<size_t>(segment.target)], labels);
}

TileLoss SegmentKernel::loss_backward(const Segment& segment, const TileRegions& regions,
                                      const std::vector<Extent>& extents,
                                      const std::vector<at::Tensor>& parameters, LayerTensors crops,
                                      const at::Tensor& labels, const PixelLoss& loss,
                                      const LossSums& totals) const {
  LayerTensors values =
      forward(segment, regions, extents, parameters, std::move(crops), /*keep=*/true);
  const at::Tensor& logits = values[static_cast<size_t>(segment.target)];
  TileLoss result{.sums = loss.sums(logits, labels), .gradients = {}};
  at::Tensor gradient = loss.gradient(logits, labels, totals);
  result.gradients =
      backward(segment, regions, extents, parameters, std::move(values), std::move(gradient));
  return result;
}

}  // namespace untiled
