// Rows copied to memory that is read soon, or not.
#pragma once

#include <cstddef>
#include <cstdint>

namespace untiled {

/// When memory that is being written is read, which whoever has it written knows.
enum class NextRead {
  kSoon,   ///< While the caches still hold it.
  kLater,  ///< When other writes have taken its place there: it need not pass them at all.
};

/// For an array of so many bytes that is written as a whole before anything of it is read: later,
/// where the processor's last cache does not hold it.
NextRead next_read_of(int64_t array_bytes);

/// Copies rows to memory that begins anywhere and overlaps none of them: past the caches where it
/// is read later, and then it may be handed to other threads once this object is gone. One thread.
class RowCopy {
 public:
  explicit RowCopy(NextRead next_read) : next_read_(next_read) {}
  ~RowCopy();
  RowCopy(const RowCopy&) = delete;
  RowCopy& operator=(const RowCopy&) = delete;

  void copy(const uint8_t* from, uint8_t* to, size_t bytes) const;

 private:
  NextRead next_read_;
};

}  // namespace untiled
