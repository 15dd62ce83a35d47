#include "app/batch/failed_work.h"

#include <fmt/format.h>

#include <exception>

#include "app/batch/batch_slide.h"
#include "lib/core/atomic_file.h"
#include "lib/core/error.h"
#include "lib/core/stop.h"

namespace untiled {

std::optional<FailedWork> failure_in(const std::function<void()>& work) {
  try {
    work();
    return std::nullopt;
  } catch (const Interrupted&) {
    throw;
  } catch (const SlideFailure& error) {
    return FailedWork{error.code(), error.what()};
  } catch (const WriteError& error) {
    return FailedWork{"not_written", error.what()};
  } catch (const DataError& error) {
    return FailedWork{"unreadable", error.what()};
  } catch (const ConfigError& error) {
    return FailedWork{kSettingsCode, error.what()};
  } catch (const std::exception& error) {
    return FailedWork{"internal", fmt::format("a fault of this program: {}", error.what())};
  }
}

}  // namespace untiled
