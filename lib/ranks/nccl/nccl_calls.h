// NCCL's functions that the program calls, by name.
#pragma once

#include <array>
#include <cstddef>
#include <string>

#include "lib/core/opened_library.h"

namespace untiled {

/// ncclUniqueId: what ranks find each other by.
struct NcclId {
  std::array<char, 128> bytes{};
};

/// ncclConfig_t as NCCL 2.14 laid it out. Newer ones take it too, and the rest as they choose.
struct NcclConfig {
  size_t size = sizeof(NcclConfig);
  unsigned magic = 0xcafebeef;
  unsigned version = 21400;
  int is_blocking = 0;  ///< Calls come back at once, so that a rank that waits hears of failures.
  int padding = 0;
};

/// Declared as NCCL's stable binary interface has them: nccl.h is not needed. Communicators and
/// streams are handles; results, types and operations are ints.
struct NcclCalls {
  static constexpr int kSuccess = 0;
  static constexpr int kInProgress = 7;
  static constexpr int kBytes = 0;
  static constexpr int kInt64 = 4;
  static constexpr int kSum = 0;

  int (*version)(int* version);
  int (*unique_id)(NcclId* id);
  int (*begin)(void** communicator, int ranks, NcclId id, int rank, NcclConfig* config);
  int (*finalize)(void* communicator);
  int (*destroy)(void* communicator);
  int (*abort)(void* communicator);
  int (*state)(void* communicator, int* result);
  int (*all_reduce)(const void* from, void* to, size_t count, int type, int operation,
                    void* communicator, void* stream);
  int (*send)(const void* from, size_t count, int type, int rank, void* communicator, void* stream);
  int (*receive)(void* to, size_t count, int type, int rank, void* communicator, void* stream);
  int (*group_start)();
  int (*group_end)();
  const char* (*error_text)(int result);
  const char* (*last_error)(void* communicator);

  /// "NCCL 2.28.9"
  std::string name() const;
};

/// NCCL's own library, which LibTorch's build for CUDA brings.
inline constexpr const char* kNcclLibrary = "libnccl.so.2";

/// Of 2.14 or newer. Throws ConfigError that says what is missing and what to do.
NcclCalls open_nccl(const std::string& library = kNcclLibrary);

}  // namespace untiled
