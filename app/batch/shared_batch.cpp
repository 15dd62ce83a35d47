#include "app/batch/shared_batch.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <string>

#include "data/slide/fingerprint.h"
#include "lib/ranks/alike.h"
#include "lib/ranks/together.h"

namespace untiled {
namespace {

constexpr int64_t kNoMore = -1;

std::string description_of(const BatchOptions& options) {
  std::string text = options.settings_hash + " " + options.model_hash + "\n";
  for (const CohortEntry& entry : options.slides) {
    text += fmt::format("{} {} {}\n", entry.path.string(), entry.mpp.value_or(0.0),
                        to_string(entry.region.value_or(Region{})));
  }
  return text;
}

}  // namespace

struct SharedBatch::Call {
  int64_t place = kNoMore;
  int64_t output_bytes = 0;
  int64_t id_bytes = 0;
  std::array<char, 32> fingerprint = {};

  bool is_of(const std::string& other) const {
    return std::equal(fingerprint.begin(), fingerprint.end(), other.begin(), other.end());
  }
};

SharedBatch::SharedBatch(Group& ranks, const BatchOptions& options)
    : ranks_(ranks), options_(options) {
  require_alike(ranks, description_of(options), "other slides, settings or weights",
                "start all ranks with the same ones, and let all machines see the same files");
}

BatchOutcome SharedBatch::lead(const SlideWork& work) {
  BatchOptions options = options_;
  options.go_on = [this] { ranks_.throw_if_failed(); };
  BatchOutcome outcome = run_batch(options, work);
  Call end;
  std::string nothing;
  broadcast(end, nothing);
  return outcome;
}

void SharedBatch::call(const SlideTask& task, int64_t output_bytes) {
  Call call{.place = static_cast<int64_t>(task.place), .output_bytes = output_bytes};
  std::copy_n(task.report.fingerprint.begin(),
              std::min(task.report.fingerprint.size(), call.fingerprint.size()),
              call.fingerprint.begin());
  std::string slide_id = task.report.slide_id;
  broadcast(call, slide_id);
}

void SharedBatch::broadcast(Call& call, std::string& slide_id) {
  call.id_bytes = static_cast<int64_t>(slide_id.size());
  ranks_.broadcast(std::as_writable_bytes(std::span(&call, 1)), 0);
  slide_id.resize(static_cast<size_t>(call.id_bytes));
  if (!slide_id.empty()) ranks_.broadcast(std::as_writable_bytes(std::span(slide_id)), 0);
}

void SharedBatch::share(const std::function<void()>& open,
                        const std::function<void()>& work) const {
  Together together(ranks_);
  together.attempt(open);
  together.settle();
  together.attempt(work);
  together.settle();
}

void SharedBatch::follow(const std::function<void(const SharedSlide&)>& work) {
  while (true) {
    Call call;
    std::string slide_id;
    broadcast(call, slide_id);
    if (call.place == kNoMore) return;
    const auto place = static_cast<size_t>(call.place);
    const CohortEntry& entry = options_.slides[place];
    const auto open = [&] {
      auto reader = open_for_batch(entry.path, options_.memory_budget);
      if (call.is_of(fingerprint(reader->info()))) return reader;
      throw DataError(
          fmt::format("{}: is another file than rank 0 sees; let all machines see the "
                      "same files",
                      entry.path.string()));
    };
    try {
      work({place, entry, slide_id, call.output_bytes, open});
    } catch (const Interrupted&) {
      throw;
    } catch (const std::exception&) {
      ranks_.throw_if_failed();
    }
  }
}

}  // namespace untiled
