// How sums of ranks that compute on CUDA devices travel.
#pragma once

#include <memory>
#include <string>

#include "lib/ranks/nccl/nccl_link.h"

namespace untiled {

struct LinkChoice {
  std::unique_ptr<NcclLink> link;  ///< Null: through the host's memory, by the group's own sums.
  std::string way;                 ///< "NCCL 2.28.9", or "host: " and why.
};

/// NCCL where each rank has a device of its own and opens NCCL's library; else the host. The same
/// on all ranks: a collective call. `gpu` is this rank's, null where it computes on none. Throws as
/// NcclLink's constructor does.
LinkChoice choose_link(Group& ranks, std::shared_ptr<const Gpu> gpu,
                       const std::string& library = kNcclLibrary);

}  // namespace untiled
