#include "lib/streaming/kernel.h"

#include "lib/core/error.h"
#include "lib/streaming/download.h"
#include "lib/streaming/prediction.h"

namespace untiled {

LayerTensors SegmentKernel::forward_keeping(const Segment& segment, const TileRegions& regions,
                                            const std::vector<Extent>& extents,
                                            const std::vector<at::Tensor>& parameters,
                                            LayerTensors crops,
                                            const std::vector<LayerId>& kept) const {
  if (!kept.empty()) throw InternalError("this kernel keeps no values for a way back");
  LayerTensors values(regions.size());
  values[static_cast<size_t>(segment.target)] =
      forward(segment, regions, extents, parameters, std::move(crops));
  return values;
}

at::Tensor SegmentKernel::loss_sums(const Segment& segment, const TileRegions& regions,
                                    const std::vector<Extent>& extents,
                                    const std::vector<at::Tensor>& parameters, LayerTensors crops,
                                    const at::Tensor& labels, const PixelLoss& loss) const {
  return loss.sums(forward(segment, regions, extents, parameters, std::move(crops)), labels);
}

TilePrediction SegmentKernel::predict(const Segment& segment, const TileRegions& regions,
                                      const std::vector<Extent>& extents,
                                      const std::vector<at::Tensor>& parameters, LayerTensors crops,
                                      const at::Tensor& labels,
                                      const PredictionRequest& request) const {
  const at::Tensor logits = forward(segment, regions, extents, parameters, std::move(crops));
  at::Tensor sums;
  if (request.loss != nullptr) sums = request.loss->sums(logits, labels);
  const at::Tensor host = to_host(logits);
  TilePrediction result;
  if (sums.defined()) {
    sums = to_host(sums).to(at::kDouble);
    const auto* begin = sums.const_data_ptr<double>();
    result.loss_sums.assign(begin, begin + sums.numel());
  }
  result.classes = predict_classes(host, request.threshold);
  if (request.probabilities) result.probabilities = predict_probabilities(host);
  return result;
}

}  // namespace untiled
