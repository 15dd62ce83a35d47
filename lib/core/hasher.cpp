#include "lib/core/hasher.h"

#include <fmt/format.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace untiled {

struct Hasher::State {
  XXH3_state_t xxh;
};

Hasher::Hasher() : state_(std::make_unique<State>()) { XXH3_128bits_reset(&state_->xxh); }

Hasher::~Hasher() = default;

void Hasher::add(const void* data, size_t size) { XXH3_128bits_update(&state_->xxh, data, size); }

void Hasher::add_text(std::string_view text) {
  add_number(text.size());
  add(text.data(), text.size());
}

std::string Hasher::hex() const {
  const XXH128_hash_t hash = XXH3_128bits_digest(&state_->xxh);
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

std::string hash_of(std::string_view content) {
  Hasher hasher;
  hasher.add(content.data(), content.size());
  return hasher.hex();
}

}  // namespace untiled
