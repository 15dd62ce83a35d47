#include "lib/ranks/together.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "lib/core/error.h"

namespace untiled {

void Together::attempt(const std::function<void()>& work) {
  if (error_) return;
  try {
    work();
  } catch (const Interrupted&) {
    throw;
  } catch (...) {
    ranks_.throw_if_failed();
    error_ = std::current_exception();
  }
}

void Together::join(const std::function<void()>& work) {
  try {
    work();
  } catch (...) {
    ranks_.fail(failure_of(std::current_exception()));
    throw;
  }
}

void Together::settle() {
  const Failure own = error_ ? failure_of(error_) : Failure{.code = 0, .sentence = {}};
  const auto me = static_cast<size_t>(ranks_.rank());
  std::vector<int64_t> codes(static_cast<size_t>(ranks_.size()), 0);
  codes[me] = own.code;
  ranks_.sum(codes);
  const auto found =
      std::find_if(codes.begin(), codes.end(), [](int64_t code) { return code != 0; });
  if (found == codes.end()) return;
  const auto first = static_cast<int>(found - codes.begin());
  Failure failure{.code = static_cast<int>(*found), .sentence = own.sentence};
  int64_t length = static_cast<int64_t>(failure.sentence.size());
  ranks_.broadcast(std::as_writable_bytes(std::span(&length, 1)), first);
  failure.sentence.resize(static_cast<size_t>(length));
  ranks_.broadcast(std::as_writable_bytes(std::span(failure.sentence)), first);
  if (first == ranks_.rank()) std::rethrow_exception(error_);
  throw_failure(first == 0 ? failure : failure_on(first, failure));
}

}  // namespace untiled
