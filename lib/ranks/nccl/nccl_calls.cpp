#include "lib/ranks/nccl/nccl_calls.h"

#include <fmt/format.h>

namespace untiled {

std::string NcclCalls::name() const {
  int coded = 0;
  if (version(&coded) != kSuccess) return "NCCL of an unknown version";
  return fmt::format("NCCL {}.{}.{}", coded / 10000, coded / 100 % 100, coded % 100);
}

NcclCalls open_nccl(const std::string& library) {
  const OpenedLibrary nccl("NCCL", "install 2.14 or newer with scripts/setup.sh --cuda", library);
  const auto find = [&]<typename Function>(const char* name, Function*& function) {
    function = nccl.function<Function>(name);
  };
  NcclCalls calls{};
  find("ncclGetVersion", calls.version);
  find("ncclGetUniqueId", calls.unique_id);
  find("ncclCommInitRankConfig", calls.begin);
  find("ncclCommFinalize", calls.finalize);
  find("ncclCommDestroy", calls.destroy);
  find("ncclCommAbort", calls.abort);
  find("ncclCommGetAsyncError", calls.state);
  find("ncclAllReduce", calls.all_reduce);
  find("ncclSend", calls.send);
  find("ncclRecv", calls.receive);
  find("ncclGroupStart", calls.group_start);
  find("ncclGroupEnd", calls.group_end);
  find("ncclGetErrorString", calls.error_text);
  find("ncclGetLastError", calls.last_error);
  return calls;
}

}  // namespace untiled
