#include "app/commands/batch.h"

#include "lib/core/error.h"
#include "lib/core/progress.h"

namespace untiled {
namespace {

constexpr int kBySettings = 2;
constexpr int kEverySlideFailed = 3;
constexpr int kSomeSlidesFailed = 4;

}  // namespace

std::string Batch::attempt(const std::function<void()>& work) {
  ++slides_;
  std::string reason;
  try {
    work();
    return reason;
  } catch (const DataError& error) {
    reason = error.what();
  } catch (const ConfigError& error) {
    reason = error.what();
    ++failed_by_settings_;
  }
  ++failed_;
  print_error(reason);
  return reason;
}

int Batch::exit_code() const {
  if (failed_ == 0) return 0;
  if (failed_ < slides_) return kSomeSlidesFailed;
  return failed_by_settings_ == slides_ ? kBySettings : kEverySlideFailed;
}

}  // namespace untiled
