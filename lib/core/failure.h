// A failure as a program tells it: an exit code and a sentence. Failures cross threads and
// processes in this form.
#pragma once

#include <exception>
#include <string>

namespace untiled {

inline constexpr int kInternalErrorCode = 1;
inline constexpr int kConfigErrorCode = 2;
inline constexpr int kDataErrorCode = 3;
inline constexpr int kSignalCodeBase = 128;

struct Failure {
  int code = kInternalErrorCode;  ///< 1 to 255; above 128: a signal asked to stop.
  std::string sentence;
};

/// A setting asked for more than there is.
Failure out_of_memory();

/// What an exception says to the user; `error` is not null.
Failure failure_of(const std::exception_ptr& error);

/// Throws what `failure_of` would make this failure of: ConfigError, DataError, Interrupted or
/// InternalError.
[[noreturn]] void throw_failure(const Failure& failure);

}  // namespace untiled
