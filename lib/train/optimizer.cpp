#include "lib/train/optimizer.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <fmt/format.h>
#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/sgd.h>

#include "lib/core/error.h"
#include "lib/train/named_tensors.h"

namespace untiled {
namespace {

using Base = torch::optim::Optimizer;

template <typename Kind, typename Options>
std::unique_ptr<Base> make_adam(const OptimizerSettings& settings,
                                const std::vector<at::Tensor>& parameters) {
  Options options(settings.learning_rate);
  options.betas({settings.beta1, settings.beta2})
      .eps(settings.epsilon)
      .weight_decay(settings.weight_decay);
  return std::make_unique<Kind>(parameters, options);
}

std::unique_ptr<Base> make_sgd(const OptimizerSettings& settings,
                               const std::vector<at::Tensor>& parameters) {
  torch::optim::SGDOptions options(settings.learning_rate);
  options.momentum(settings.momentum).weight_decay(settings.weight_decay);
  return std::make_unique<torch::optim::SGD>(parameters, options);
}

std::unique_ptr<Base> make_optimizer(const OptimizerSettings& settings,
                                     const std::vector<at::Tensor>& parameters) {
  namespace optim = torch::optim;
  switch (settings.kind) {
    case OptimizerKind::kAdam:
      return make_adam<optim::Adam, optim::AdamOptions>(settings, parameters);
    case OptimizerKind::kAdamW:
      return make_adam<optim::AdamW, optim::AdamWOptions>(settings, parameters);
    case OptimizerKind::kSgd:
      return make_sgd(settings, parameters);
  }
  throw InternalError("unknown optimiser");
}

/// The moments of one parameter as tensors, and back. LibTorch keeps them in a class per kind.
template <typename State>
NamedTensors adam_moments(const State& state) {
  return {
      {"step", "exp_avg", "exp_avg_sq"},
      {at::full({}, state.step(), at::kLong), state.exp_avg().clone(), state.exp_avg_sq().clone()}};
}

NamedTensors sgd_moments(const torch::optim::SGDParamState& state) {
  if (!state.momentum_buffer().defined()) return {};
  return {{"momentum_buffer"}, {state.momentum_buffer().clone()}};
}

template <typename State>
std::unique_ptr<State> adam_state(const at::Tensor& step, const at::Tensor& exp_avg,
                                  const at::Tensor& exp_avg_sq) {
  auto state = std::make_unique<State>();
  state->step(step.item<int64_t>());
  state->exp_avg(exp_avg.clone());
  state->exp_avg_sq(exp_avg_sq.clone());
  return state;
}

std::unique_ptr<torch::optim::SGDParamState> sgd_state(const at::Tensor& momentum_buffer) {
  auto state = std::make_unique<torch::optim::SGDParamState>();
  state->momentum_buffer(momentum_buffer.clone());
  return state;
}

NamedTensors moments(OptimizerKind kind, const torch::optim::OptimizerParamState& state) {
  switch (kind) {
    case OptimizerKind::kAdam:
      return adam_moments(static_cast<const torch::optim::AdamParamState&>(state));
    case OptimizerKind::kAdamW:
      return adam_moments(static_cast<const torch::optim::AdamWParamState&>(state));
    case OptimizerKind::kSgd:
      return sgd_moments(static_cast<const torch::optim::SGDParamState&>(state));
  }
  throw InternalError("unknown optimiser");
}

/// Moment `kind` of a parameter, checked.
at::Tensor moment_of(const NamedTensors& state, const std::string& kind, const std::string& name) {
  at::Tensor moment = find_tensor(state, kind + "." + name);
  if (!moment.defined()) {
    throw DataError(fmt::format("the optimiser's {} of {} is missing", kind, name));
  }
  return moment;
}

at::Tensor moment_like(const NamedTensors& state, const std::string& kind, const std::string& name,
                       const at::Tensor& parameter) {
  at::Tensor moment = moment_of(state, kind, name);
  if (moment.sizes() != parameter.sizes() || moment.scalar_type() != parameter.scalar_type()) {
    throw DataError(fmt::format("the optimiser's {} of {} has another shape or dtype", kind, name));
  }
  return moment;
}

std::unique_ptr<torch::optim::OptimizerParamState> make_state(OptimizerKind kind,
                                                              const NamedTensors& state,
                                                              const std::string& name,
                                                              const at::Tensor& parameter) {
  if (kind == OptimizerKind::kSgd) {
    return sgd_state(moment_like(state, "momentum_buffer", name, parameter));
  }
  const at::Tensor step = moment_of(state, "step", name);
  const at::Tensor exp_avg = moment_like(state, "exp_avg", name, parameter);
  const at::Tensor exp_avg_sq = moment_like(state, "exp_avg_sq", name, parameter);
  if (kind == OptimizerKind::kAdam) {
    return adam_state<torch::optim::AdamParamState>(step, exp_avg, exp_avg_sq);
  }
  return adam_state<torch::optim::AdamWParamState>(step, exp_avg, exp_avg_sq);
}

/// The part of a weight, or of its gradient, that meets pixels.
at::Tensor pixel_part(const at::Tensor& weight, const PixelReader& reader) {
  return weight.narrow(1, reader.first_channel, weight.size(1) - reader.first_channel);
}

at::Tensor sum_by_output(const at::Tensor& weight) { return weight.sum(at::IntArrayRef{1, 2, 3}); }

}  // namespace

Optimizer::Optimizer(const OptimizerSettings& settings, NamedTensors parameters,
                     std::vector<PixelReader> readers)
    : kind_(settings.kind),
      parameters_(std::move(parameters)),
      readers_(std::move(readers)),
      optimizer_(make_optimizer(settings, parameters_.tensors)) {}

Optimizer::~Optimizer() = default;
Optimizer::Optimizer(Optimizer&&) noexcept = default;

void Optimizer::step(const Gradients& gradients, double learning_rate) {
  for (size_t i = 0; i < parameters_.tensors.size(); ++i) {
    const at::Tensor& parameter = parameters_.tensors[i];
    parameter.mutable_grad() =
        gradients[i].to(parameter.scalar_type(), /*non_blocking=*/false, /*copy=*/true);
  }
  // With w (x - m) + b' for w x + b: b' = b + m sum(w), and dL/dw at a fixed b' is dL/dw - m dL/db.
  for (const PixelReader& r : readers_) {
    const at::Tensor& weight = parameters_.tensors[r.weight];
    const at::Tensor& bias_gradient = parameters_.tensors[r.weight + 1].grad();
    pixel_part(weight.mutable_grad(), r).sub_(bias_gradient.view({-1, 1, 1, 1}) * r.mean);
    parameters_.tensors[r.weight + 1].add_(sum_by_output(pixel_part(weight, r)) * r.mean);
  }
  optimizer_->param_groups().front().options().set_lr(learning_rate);
  optimizer_->step();
  for (const PixelReader& r : readers_) {
    const at::Tensor& weight = parameters_.tensors[r.weight];
    parameters_.tensors[r.weight + 1].sub_(sum_by_output(pixel_part(weight, r)) * r.mean);
  }
}

NamedTensors Optimizer::state() const {
  NamedTensors all;
  for (size_t i = 0; i < parameters_.names.size(); ++i) {
    const auto found = optimizer_->state().find(parameters_.tensors[i].unsafeGetTensorImpl());
    if (found == optimizer_->state().end()) continue;
    NamedTensors own = moments(kind_, *found->second);
    for (std::string& name : own.names) name += "." + parameters_.names[i];
    append_prefixed(all, "", own);
  }
  return all;
}

void Optimizer::load_state(const NamedTensors& state) {
  optimizer_->state().clear();
  if (state.names.empty()) return;
  for (size_t i = 0; i < parameters_.names.size(); ++i) {
    const at::Tensor& parameter = parameters_.tensors[i];
    optimizer_->state()[parameter.unsafeGetTensorImpl()] =
        make_state(kind_, state, parameters_.names[i], parameter);
  }
}

}  // namespace untiled
