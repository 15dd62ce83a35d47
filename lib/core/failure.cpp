#include "lib/core/failure.h"

#include <new>

#include "lib/core/error.h"

namespace untiled {

Failure out_of_memory() {
  return {kConfigErrorCode, "out of memory; lower memory_budget, threads or streaming.tile"};
}

Failure failure_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const ConfigError& problem) {
    return {kConfigErrorCode, problem.what()};
  } catch (const DataError& problem) {
    return {kDataErrorCode, problem.what()};
  } catch (const Interrupted& stop) {
    return {kSignalCodeBase + stop.signal(), stop.what()};
  } catch (const std::bad_alloc&) {
    return out_of_memory();
  } catch (const std::exception& problem) {
    return {kInternalErrorCode, problem.what()};
  }
}

void throw_failure(const Failure& failure) {
  if (failure.code > kSignalCodeBase) throw Interrupted(failure.code - kSignalCodeBase);
  if (failure.code == kConfigErrorCode) throw ConfigError(failure.sentence);
  if (failure.code == kDataErrorCode) throw DataError(failure.sentence);
  throw InternalError(failure.sentence);
}

}  // namespace untiled
