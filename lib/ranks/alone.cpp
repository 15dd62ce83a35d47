#include "lib/ranks/alone.h"

#include "lib/core/error.h"

namespace untiled {

std::unique_ptr<Message> Alone::send(int /*to*/, int /*tag*/,
                                     std::span<const std::byte> /*bytes*/) {
  throw InternalError("a message for another rank, where there is one");
}

std::unique_ptr<Message> Alone::receive(int /*from*/, int /*tag*/, std::span<std::byte> /*bytes*/) {
  throw InternalError("a message from another rank, where there is one");
}

}  // namespace untiled
