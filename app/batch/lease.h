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
/// or when it was not touched for kStale by the clock of the file server, which both sides see. One
/// process at a time takes over a stale lease, see replace_stale. An owner that was stopped for
/// long finds by `is_ours` that its slide is in other hands. A file from the future is stale, one
/// with other content is when it was not touched for kStale, and a folder of that name is moved
/// aside; each is warned of.
class Lease {
 public:
  static constexpr std::chrono::seconds kHeartbeat{10};
  static constexpr std::chrono::seconds kStale{60};

  /// Nothing where somebody else holds it. Throws DataError when the file cannot be made.
  static std::optional<Lease> take(const std::filesystem::path& file);

  /// Whether a lease in a folder is held on another machine, as far as can be told.
  static bool any_elsewhere(const std::filesystem::path& folder);

  /// Removes the leases in a folder whose owners were killed after their work was done, and what is
  /// left of those that were killed while they took a lease over.
  static void clear_stale(const std::filesystem::path& folder);

  Lease(Lease&&) noexcept;
  Lease& operator=(Lease&&) noexcept;
  /// Gives the lease back.
  ~Lease();

  /// Whether nobody took it over.
  bool is_ours() const;

 private:
  class Heartbeat;
  explicit Lease(std::unique_ptr<Heartbeat> heartbeat);
  std::unique_ptr<Heartbeat> heartbeat_;
};

}  // namespace untiled
