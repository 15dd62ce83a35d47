#include "lib/streaming/tensor_sum.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/stack.h>
#include <c10/core/impl/VirtualGuardImpl.h>

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

/// A link's work does not wait for what LibTorch has begun.
void finish_work(at::Device device) {
  if (device.is_cuda()) c10::impl::VirtualGuardImpl(device.type()).getStream(device).synchronize();
}

at::Tensor on_device(std::vector<int64_t>& numbers, at::Device device) {
  const at::Tensor host = at::from_blob(numbers.data(), {static_cast<int64_t>(numbers.size())},
                                        at::TensorOptions().dtype(at::kLong));
  return host.to(device, at::kLong, /*non_blocking=*/false, /*copy=*/true);
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
    if (waiting_.size() >= kMostWaiting || waiting_bytes_ >= kMostWaitingBytes) take_waiting();
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

DeviceDigits& TensorSum::digits_on(at::Device device) {
  if (!on_device_) on_device_.emplace(static_cast<int64_t>(firsts_.back()), device);
  return *on_device_;
}

void TensorSum::add_stacked(size_t index, const at::Tensor& terms) {
  if (terms.is_cuda()) {
    digits_on(terms.device()).add(terms.flatten(1), static_cast<int64_t>(firsts_[index]));
    return;
  }
  const at::Tensor host = terms.to(at::kCPU);
  for (int64_t k = 0; k < host.size(0); ++k) add_host(index, host[k]);
}

void TensorSum::take_waiting() {
  for (size_t i = 0; i < shapes_.size(); ++i) {
    std::vector<at::Tensor> present;
    for (const auto& terms : waiting_) {
      if (terms[i].defined()) present.push_back(terms[i]);
    }
    if (!present.empty()) add_stacked(i, at::stack(present));
  }
  waiting_.clear();
  waiting_bytes_ = 0;
}

void TensorSum::read_back() {
  take_waiting();
  if (!on_device_) return;
  ExactSum read(sum_.size());
  read.set_digits(values_of<int64_t>(on_device_->digits().to(at::kCPU)), 1);
  sum_.add(read);
  on_device_.reset();
}

void TensorSum::add(TensorSum& other) {
  take_waiting();
  other.take_waiting();
  sum_.add(other.sum_);
  if (other.on_device_) digits_on(other.on_device_->device()).add(*other.on_device_);
}

void TensorSum::reduce(Group& ranks) {
  read_back();
  sum_.reduce(ranks);
}

void TensorSum::reduce(Group& ranks, NcclLink& link, at::Device device) {
  take_waiting();
  std::vector<int64_t> own = sum_.digits();
  const at::Tensor all = on_device(own, device);
  if (on_device_) all.add_(on_device_->digits());
  on_device_.reset();
  finish_work(device);
  link.sum(reinterpret_cast<DeviceAddress>(all.mutable_data_ptr()), all.numel());
  // Of each rank two: what was added on the host, and on the device.
  sum_.set_digits(values_of<int64_t>(all.to(at::kCPU)), 2 * int64_t{ranks.size()});
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
