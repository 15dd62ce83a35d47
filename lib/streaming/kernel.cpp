#include "lib/streaming/kernel.h"

#include "lib/core/error.h"
#include "lib/streaming/download.h"
#include "lib/streaming/prediction.h"

namespace untiled {

LayerTensors SegmentKernel::forward_keeping(TileRequest request,
                                            const std::vector<LayerId>& kept) const {
  if (!kept.empty()) throw InternalError("this kernel keeps no values for a way back");
  LayerTensors values(request.regions.size());
  const auto target = static_cast<size_t>(request.segment.target);
  values[target] = forward(std::move(request));
  return values;
}

at::Tensor SegmentKernel::loss_sums(TileRequest request, const at::Tensor& labels,
                                    const PixelLoss& loss) const {
  return loss.sums(forward(std::move(request)), labels);
}

TilePrediction SegmentKernel::predict(TileRequest request, const at::Tensor& labels,
                                      const PredictionRequest& wanted) const {
  const at::Tensor logits = forward(std::move(request));
  at::Tensor sums;
  if (wanted.loss != nullptr) sums = wanted.loss->sums(logits, labels);
  const at::Tensor host = to_host(logits);
  TilePrediction result;
  if (sums.defined()) {
    sums = to_host(sums).to(at::kDouble);
    const auto* begin = sums.const_data_ptr<double>();
    result.loss_sums.assign(begin, begin + sums.numel());
  }
  result.classes = predict_classes(host, wanted.threshold);
  if (wanted.probabilities) result.probabilities = predict_probabilities(host);
  return result;
}

}  // namespace untiled
