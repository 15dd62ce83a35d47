// A layer of a whole slide in a file without a name.
#pragma once

#include <filesystem>

#include "lib/core/scratch_file.h"
#include "lib/streaming/stores/blocked_store.h"

namespace untiled {

/// What a scratch file of any kind of store is for.
inline constexpr ScratchUse kStoredTensors = {
    "stored tensors", "free space there, set run.scratch to a larger disk or raise memory_budget"};

/// Throws DataError where the folder's disk is full or fails.
class FileStore : public BlockedStore {
 public:
  FileStore(int64_t channels, const Extent& extent, const BlockOptions& options,
            const std::filesystem::path& folder);

 private:
  void begin(size_t /*index*/) override {}
  void free(size_t /*index*/) override {}
  bool loads_copies() const override { return true; }
  at::Tensor load(size_t index, const Region& part) const override;
  void save(size_t index, const Region& part, const at::Tensor& value) override;
  int64_t place(size_t index, int64_t channel, int64_t row, int64_t col) const;

  ScratchFile scratch_;
};

}  // namespace untiled
