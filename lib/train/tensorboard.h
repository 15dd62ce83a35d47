// TensorBoard event files: TFRecords of Event messages, scalars and PNG images only.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "lib/train/append_file.h"

namespace untiled {

struct ScalarPoint {
  std::string tag;  ///< "train/loss".
  double value = 0.0;
};

/// Appends to one event file; each call is handed to the system at once.
class TensorBoardWriter {
 public:
  /// `keep_bytes` as AppendFile's; an empty file gets the version record. Throws DataError.
  TensorBoardWriter(std::filesystem::path path, int64_t keep_bytes);

  void write_scalars(int64_t step, const std::vector<ScalarPoint>& points);
  /// `png`: a whole PNG file. Throws InternalError when it is none.
  void write_image(int64_t step, std::string_view tag, std::string_view png);

  void sync() const { file_.sync(); }
  int64_t size_bytes() const { return file_.size_bytes(); }

 private:
  AppendFile file_;
};

/// CRC-32C (Castagnoli), as TFRecords use it.
uint32_t crc32c(std::string_view bytes);

}  // namespace untiled
