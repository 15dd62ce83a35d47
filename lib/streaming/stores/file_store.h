// A layer of a whole slide in a file without a name.
#pragma once

#include <filesystem>
#include <memory>

#include "lib/streaming/stores/blocked_store.h"

namespace untiled {

/// The page cache and not this process holds what is in memory. Throws DataError where the folder's
/// disk is full or fails.
class FileStore : public BlockedStore {
 public:
  FileStore(int64_t channels, const Extent& extent, const BlockOptions& options,
            const std::filesystem::path& folder);
  ~FileStore() override;

 private:
  class Scratch;

  void begin(size_t /*index*/) override {}
  void free(size_t /*index*/) override {}
  bool loads_copies() const override { return true; }
  at::Tensor load(size_t index, const Region& part) const override;
  void save(size_t index, const Region& part, const at::Tensor& value) override;
  int64_t place(size_t index, int64_t channel, int64_t row, int64_t col) const;

  std::unique_ptr<Scratch> scratch_;
};

}  // namespace untiled
