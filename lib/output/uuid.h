// Names for objects that depend on their content alone.
#pragma once

#include <string>
#include <string_view>

namespace untiled {

/// A UUID of version 5 (RFC 9562: SHA-1 of a namespace and a name) in a namespace of our own.
std::string content_uuid(std::string_view content);

}  // namespace untiled
