#include "lib/streaming/tensor_sum.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/stack.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>

namespace untiled {
namespace {

/// A batch of terms that wait on a device.
constexpr size_t kMostWaiting = 64;
constexpr int64_t kMostWaitingBytes = 16 << 20;

std::vector<size_t> firsts_of(const std::vector<std::vector<int64_t>>& shapes) {
  std::vector<size_t> firsts = {0};
  for (const auto& shape : shapes) {
    const int64_t count =
        std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
    firsts.push_back(firsts.back() + static_cast<size_t>(count));
  }
  return firsts;
}

template <typename T>
std::span<const T> values_of(const at::Tensor& t) {
  return {t.const_data_ptr<T>(), static_cast<size_t>(t.numel())};
}

}  // namespace

TensorSum::TensorSum(std::vector<std::vector<int64_t>> shapes)
    : shapes_(std::move(shapes)), firsts_(firsts_of(shapes_)), sum_(firsts_.back()) {}

void TensorSum::add(const std::vector<at::Tensor>& terms) {
  const bool on_device = std::any_of(terms.begin(), terms.end(), [](const at::Tensor& term) {
    return term.defined() && !term.is_cpu();
  });
  if (on_device) {
    for (const at::Tensor& term : terms) {
      if (term.defined()) waiting_bytes_ += static_cast<int64_t>(term.nbytes());
    }
    waiting_.push_back(terms);
    if (waiting_.size() >= kMostWaiting || waiting_bytes_ >= kMostWaitingBytes) read_back();
    return;
  }
  for (size_t i = 0; i < terms.size(); ++i) {
    if (terms[i].defined()) add_host(i, terms[i]);
  }
}

void TensorSum::add_host(size_t index, const at::Tensor& term) {
  const at::Tensor values = term.contiguous();
  if (values.scalar_type() == at::kFloat) {
    sum_.add(values_of<float>(values), firsts_[index]);
  } else {
    sum_.add(values_of<double>(values), firsts_[index]);
  }
}

void TensorSum::read_back() {
  for (size_t i = 0; i < shapes_.size(); ++i) {
    std::vector<at::Tensor> present;
    for (const auto& terms : waiting_) {
      if (terms[i].defined()) present.push_back(terms[i]);
    }
    if (present.empty()) continue;
    const at::Tensor host = at::stack(present).to(at::kCPU);
    for (int64_t k = 0; k < host.size(0); ++k) add_host(i, host[k]);
  }
  waiting_.clear();
  waiting_bytes_ = 0;
}

void TensorSum::add(TensorSum& other) {
  read_back();
  other.read_back();
  sum_.add(other.sum_);
}

void TensorSum::reduce(Group& ranks) {
  read_back();
  sum_.reduce(ranks);
}

std::vector<at::Tensor> TensorSum::totals() {
  read_back();
  const std::vector<double> values = sum_.values();
  std::vector<at::Tensor> totals;
  for (size_t i = 0; i < shapes_.size(); ++i) {
    totals.push_back(at::empty(shapes_[i], at::kDouble));
    std::copy(values.begin() + static_cast<std::ptrdiff_t>(firsts_[i]),
              values.begin() + static_cast<std::ptrdiff_t>(firsts_[i + 1]),
              totals.back().mutable_data_ptr<double>());
  }
  return totals;
}

}  // namespace untiled
