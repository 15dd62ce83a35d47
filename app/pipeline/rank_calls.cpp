#include "app/pipeline/rank_calls.h"

#include <ATen/ops/empty.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "app/config/flatten.h"
#include "lib/core/atomic_file.h"
#include "lib/core/resources.h"
#include "lib/ranks/alike.h"

namespace untiled {
namespace {

using Header = std::array<int64_t, 3>;  // kind, step, slides

/// The elements of a container of numbers.
template <typename Numbers>
void broadcast(Group& ranks, Numbers& values) {
  ranks.broadcast(std::as_writable_bytes(std::span(values)), 0);
}

bool takes_parameters(RankCall::Kind kind) {
  return kind == RankCall::Kind::kGradients || kind == RankCall::Kind::kEvaluate;
}

std::string host_name() {
  std::array<char, 256> name = {};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

/// Numbers of a slide's result: pixels, loss, gradients.
size_t numbers_of(const NamedTensors& parameters) {
  int64_t count = 2;
  for (const at::Tensor& p : parameters.tensors) count += p.numel();
  return static_cast<size_t>(count);
}

}  // namespace

void broadcast_parameters(Group& ranks, const NamedTensors& parameters) {
  for (const at::Tensor& p : parameters.tensors) {
    auto* begin = static_cast<std::byte*>(p.mutable_data_ptr());
    ranks.broadcast({begin, p.nbytes()}, 0);
  }
}

void send_call(Group& ranks, const RankCall& call, const NamedTensors& parameters) {
  if (ranks.size() == 1) return;
  Header header = {static_cast<int64_t>(call.kind), call.step,
                   static_cast<int64_t>(call.slides.size())};
  broadcast(ranks, header);
  std::vector<size_t> slides = call.slides;
  broadcast(ranks, slides);
  if (takes_parameters(call.kind)) broadcast_parameters(ranks, parameters);
}

namespace {

/// Waits for rank 0's next call and takes its parameters.
RankCall receive_call(Group& ranks, const NamedTensors& parameters) {
  Header header = {};
  broadcast(ranks, header);
  RankCall call{.kind = static_cast<RankCall::Kind>(header[0]), .step = header[1], .slides = {}};
  call.slides.resize(static_cast<size_t>(header[2]));
  broadcast(ranks, call.slides);
  if (takes_parameters(call.kind)) broadcast_parameters(ranks, parameters);
  return call;
}

}  // namespace

void follow_calls(Group& ranks, const NamedTensors& parameters,
                  const std::function<void(const RankCall&)>& gradients,
                  const std::function<void(const RankCall&)>& evaluate) {
  while (true) {
    const RankCall call = receive_call(ranks, parameters);
    switch (call.kind) {
      case RankCall::Kind::kGradients:
        gradients(call);
        break;
      case RankCall::Kind::kEvaluate:
        evaluate(call);
        break;
      case RankCall::Kind::kMemory:
        memory_of(ranks);
        break;
      case RankCall::Kind::kEnd:
        return;
    }
  }
}

namespace {

void require_alike_settings(Group& ranks, Settings settings) {
  settings.threads = 0;
  require_alike(ranks, settings_hash(flatten(settings)), "other settings",
                "start all ranks with the same ones");
}

}  // namespace

void require_alike(Group& ranks, const RankTraits& traits) {
  require_alike_settings(ranks, traits.settings);
  std::string slides;
  for (const SlideRecord& s : traits.slides) {
    slides += fmt::format("{} {} {}\n", s.name, s.fingerprint, to_string(s.extent));
  }
  require_alike(ranks, slides, "other slides", "let all machines see the same files");
  require_alike(ranks, traits.instructions, "other instructions", traits.advice);
}

void require_alike_work(Group& ranks, const Settings& settings,
                        const std::filesystem::path& checkpoint,
                        const std::filesystem::path& manifest) {
  if (ranks.size() == 1) return;
  require_alike_settings(ranks, settings);
  for (const std::filesystem::path& file : {checkpoint, manifest}) {
    if (file.empty()) continue;
    require_alike(ranks, read_file(file), "another file " + file.string(),
                  "let all machines see the same files");
  }
}

RankMemory memory_of(Group& ranks) {
  const size_t rank = static_cast<size_t>(ranks.rank());
  const size_t count = static_cast<size_t>(ranks.size());
  std::vector<int64_t> bytes(count, 0);
  std::vector<int64_t> processes(count, 0);
  bytes[rank] = peak_resident_bytes();
  processes[rank] = static_cast<int64_t>(
      std::hash<std::string>()(host_name() + ":" + std::to_string(::getpid())));
  ranks.sum(bytes);
  ranks.sum(processes);
  std::map<int64_t, int64_t> by_process;
  for (size_t i = 0; i < count; ++i) by_process[processes[i]] = bytes[i];
  RankMemory memory{.ranks = ranks.size()};
  for (const auto& [process, peak] : by_process) {
    memory.peak_rss_bytes = std::max(memory.peak_rss_bytes, peak);
    memory.total_rss_bytes += peak;
  }
  return memory;
}

std::vector<SlideGradients> unite(Group& ranks, std::vector<SlideGradients> mine, bool leads,
                                  const NamedTensors& parameters) {
  // All but one rank add zeros to a slide's numbers, so their bits may be added as whole numbers.
  const size_t width = numbers_of(parameters);
  std::vector<int64_t> bits(mine.size() * width, 0);
  for (size_t i = 0; leads && i < mine.size(); ++i) {
    if (mine[i].gradients.empty()) continue;
    int64_t* at = bits.data() + i * width;
    *at++ = mine[i].pixels;
    *at++ = std::bit_cast<int64_t>(mine[i].loss);
    for (const at::Tensor& g : mine[i].gradients) {
      std::memcpy(at, g.const_data_ptr<double>(), g.nbytes());
      at += g.numel();
    }
  }
  ranks.sum(bits);
  for (size_t i = 0; i < mine.size(); ++i) {
    const int64_t* at = bits.data() + i * width;
    mine[i].pixels = *at++;
    mine[i].loss = std::bit_cast<double>(*at++);
    mine[i].gradients.clear();
    for (const at::Tensor& p : parameters.tensors) {
      mine[i].gradients.push_back(at::empty(p.sizes(), at::kDouble));
      std::memcpy(mine[i].gradients.back().mutable_data_ptr<double>(), at,
                  mine[i].gradients.back().nbytes());
      at += p.numel();
    }
  }
  return mine;
}

}  // namespace untiled
