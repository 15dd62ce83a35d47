// Reading with errors that say where.
#pragma once

#include <exception>
#include <new>
#include <string>

#include "lib/core/error.h"
#include "lib/core/region.h"

namespace untiled {

inline std::string with_region(const std::string& message, const Region& region) {
  const std::string name = to_string(region);
  if (message.find(name) != std::string::npos) return message;
  return message + " (while reading " + name + ")";
}

/// Calls `read`; whatever fails comes out as one of the program's kinds and names the region.
template <typename Read>
auto read_named(const Region& region, Read read) {
  try {
    return read();
  } catch (const Interrupted&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const ConfigError& error) {
    throw ConfigError(with_region(error.what(), region));
  } catch (const InternalError& error) {
    throw InternalError(with_region(error.what(), region));
  } catch (const std::exception& error) {
    throw DataError(with_region(error.what(), region));
  }
}

}  // namespace untiled
