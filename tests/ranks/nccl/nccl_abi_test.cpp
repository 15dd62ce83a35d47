// NCCL's interface as lib/ranks/nccl declares it against NVIDIA's header, where that is.
#include <nccl.h>

#include <type_traits>

#include "lib/ranks/nccl/nccl_calls.h"
#include "tests/catch.h"

namespace untiled {
namespace {

/// Whether values of both types are passed alike: pointers and handles, or values of one size.
template <typename A, typename B>
constexpr bool are_alike =
    sizeof(A) == sizeof(B) && std::is_pointer_v<A> == std::is_pointer_v<B>&& std::is_class_v<A> ==
                                  std::is_class_v<B>;

template <typename R, typename S, typename... As, typename... Bs>
constexpr bool take_alike(R (*)(As...), S (*)(Bs...)) {
  if constexpr (sizeof...(As) == sizeof...(Bs)) {
    return are_alike<R, S> && (are_alike<As, Bs> && ...);
  }
  return false;
}

TEST_CASE("functions of NCCL take what its header says") {
  constexpr NcclCalls calls{};
  CHECK(take_alike(&ncclGetVersion, calls.version));
  CHECK(take_alike(&ncclGetUniqueId, calls.unique_id));
  CHECK(take_alike(&ncclCommInitRankConfig, calls.begin));
  CHECK(take_alike(&ncclCommFinalize, calls.finalize));
  CHECK(take_alike(&ncclCommDestroy, calls.destroy));
  CHECK(take_alike(&ncclCommAbort, calls.abort));
  CHECK(take_alike(&ncclCommGetAsyncError, calls.state));
  CHECK(take_alike(&ncclAllReduce, calls.all_reduce));
  CHECK(take_alike(&ncclSend, calls.send));
  CHECK(take_alike(&ncclRecv, calls.receive));
  CHECK(take_alike(&ncclGroupStart, calls.group_start));
  CHECK(take_alike(&ncclGroupEnd, calls.group_end));
  CHECK(take_alike(&ncclGetErrorString, calls.error_text));
  CHECK(take_alike(&ncclGetLastError, calls.last_error));
  CHECK_FALSE(take_alike(&ncclCommAbort, calls.state));
}

TEST_CASE("NCCL's numbers, and where a configuration has its fields, are its header's") {
  CHECK(NcclCalls::kSuccess == ncclSuccess);
  CHECK(NcclCalls::kInProgress == ncclInProgress);
  CHECK(NcclCalls::kBytes == ncclInt8);
  CHECK(NcclCalls::kInt64 == ncclInt64);
  CHECK(NcclCalls::kSum == ncclSum);
  STATIC_REQUIRE(sizeof(NcclId) == NCCL_UNIQUE_ID_BYTES);
  const ncclConfig_t theirs = NCCL_CONFIG_INITIALIZER;
  const NcclConfig ours;
  CHECK(ours.magic == theirs.magic);
  CHECK(ours.version == NCCL_VERSION(2, 14, 0));
  STATIC_REQUIRE(offsetof(NcclConfig, magic) == offsetof(ncclConfig_t, magic));
  STATIC_REQUIRE(offsetof(NcclConfig, version) == offsetof(ncclConfig_t, version));
  STATIC_REQUIRE(offsetof(NcclConfig, is_blocking) == offsetof(ncclConfig_t, blocking));
  STATIC_REQUIRE(sizeof(NcclConfig) <= sizeof(ncclConfig_t));
}

}  // namespace
}  // namespace untiled
