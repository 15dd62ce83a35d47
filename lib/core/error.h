// The three kinds of failure, and the two ways to be interrupted. Only main maps them to exit
// codes; everything else throws them with one clear sentence: the file, what was expected, what
// was found, what to do.
#pragma once

#include <stdexcept>
#include <string>

namespace untiled {

/// The user's settings, flags, budget or device are wrong (exit 2).
class ConfigError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A slide, a mask, a file or a disk is bad (exit 3).
class DataError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A fault of this program (exit 1).
class InternalError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// The user asked to stop; thrown at the next tile by `throw_if_stopped` (exit 128 + signal).
class Interrupted : public std::runtime_error {
 public:
  explicit Interrupted(int signal)
      : std::runtime_error("interrupted by signal " + std::to_string(signal)), signal_(signal) {}
  int signal() const { return signal_; }

 private:
  int signal_;
};

}  // namespace untiled
