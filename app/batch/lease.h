// Who works on a slide, said in a file, so that processes on several machines that share a folder
// do not do the same work twice.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace untiled {

/// A lease is a file that its owner made (O_EXCL, which NFS keeps too) and touches every
/// kHeartbeat. It ends when the owner removes it; when its owner ran on this machine and is gone;
/// or when it was not touched for kStale by the clock of the file server, which both sides see. A
/// stale lease is renamed away by the one who takes over. Should two still work on one slide (a
/// clock that jumps), the outputs are the same and appear whole: time is lost, nothing else.
class Lease {
 public:
  static constexpr std::chrono::seconds kHeartbeat{10};
  static constexpr std::chrono::seconds kStale{60};

  /// Nothing where somebody else holds it. Throws DataError when the file cannot be made.
  static std::optional<Lease> take(const std::filesystem::path& file);

  Lease(Lease&&) noexcept;
  Lease& operator=(Lease&&) noexcept;
  /// Gives the lease back.
  ~Lease();

 private:
  class Heartbeat;
  explicit Lease(std::filesystem::path file);
  std::unique_ptr<Heartbeat> heartbeat_;
};

}  // namespace untiled
