// A slide of a batch, opened, or why it cannot be.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "data/slide/reader.h"
#include "lib/core/error.h"

namespace untiled {

/// A slide that fails for a reason that has a code of its own in the report.
class SlideFailure : public DataError {
 public:
  SlideFailure(std::string code, const std::string& reason)
      : DataError(reason), code_(std::move(code)) {}
  const std::string& code() const { return code_; }

 private:
  std::string code_;
};

/// Opens a batch's slide; images that are decoded whole may take the budget. Throws SlideFailure.
std::shared_ptr<const SlideReader> open_for_batch(const std::filesystem::path& path,
                                                  int64_t memory_budget);

}  // namespace untiled
