// Work on one thing that ranks share and that may fail without ending them all: a slide of many.
#pragma once

#include <exception>
#include <functional>

#include "lib/ranks/group.h"

namespace untiled {

/// What one rank did of it. A stop that was asked for, and a failure of the ranks themselves, pass
/// through everything here: they end the run.
class Together {
 public:
  /// Keeps a reference.
  explicit Together(Group& ranks) : ranks_(ranks) {}

  /// Runs work of this rank's own, in which it does not wait for others, and keeps what it throws;
  /// nothing where an earlier work has failed.
  void attempt(const std::function<void()>& work);

  /// Runs work in which ranks wait for each other. What it throws on one of them is a failure of
  /// the ranks, for the others cannot go on.
  void join(const std::function<void()>& work);

  /// A collective call: throws on all ranks where `attempt` has failed on any. On the first that
  /// failed it throws what that was, elsewhere its sentence: with the rank's number, unless it is
  /// rank 0's.
  void settle();

 private:
  Group& ranks_;
  std::exception_ptr error_;
};

}  // namespace untiled
