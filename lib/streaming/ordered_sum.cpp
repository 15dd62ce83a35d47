#include "lib/streaming/ordered_sum.h"

#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>

namespace untiled {
namespace {

constexpr size_t kBatch = 64;

}  // namespace

OrderedSum::OrderedSum(const std::vector<std::vector<int64_t>>& shapes, at::Device device,
                       bool has_float64)
    : on_device_(has_float64) {
  const at::Device home = has_float64 ? device : at::Device(at::kCPU);
  for (const auto& shape : shapes) {
    sums_.push_back(at::zeros(shape, at::TensorOptions().dtype(at::kDouble).device(home)));
  }
}

void OrderedSum::add(const std::vector<at::Tensor>& terms) {
  if (!on_device_) {
    waiting_.push_back(terms);
    if (waiting_.size() >= kBatch) read_back();
    return;
  }
  for (size_t i = 0; i < sums_.size(); ++i) {
    if (terms[i].defined()) sums_[i].add_(terms[i]);
  }
}

void OrderedSum::read_back() {
  for (size_t i = 0; i < sums_.size(); ++i) {
    std::vector<at::Tensor> present;
    for (const auto& terms : waiting_) {
      if (terms[i].defined()) present.push_back(terms[i]);
    }
    if (present.empty()) continue;
    const at::Tensor host = at::stack(present).to(at::kCPU).to(at::kDouble);
    for (int64_t k = 0; k < host.size(0); ++k) sums_[i].add_(host[k]);
  }
  waiting_.clear();
}

std::vector<at::Tensor> OrderedSum::totals() {
  read_back();
  std::vector<at::Tensor> totals;
  for (const at::Tensor& sum : sums_) totals.push_back(sum.to(at::kCPU));
  return totals;
}

}  // namespace untiled
