// Units of length as descriptions of images spell them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace untiled {

/// Micrometres in one `unit`: OME's units of length, their names in words, and the spellings of
/// the micrometre that go about (micron, um, either micro sign of Unicode, that of Latin-1).
/// Nothing for a unit without a size, such as a pixel, and for one that is not known.
std::optional<double> unit_um(std::string_view unit);

/// A number with a unit behind it.
struct SpelledLength {
  std::optional<double> um;  ///< Nothing where there is no number, or a unit that is not known.
  std::string unknown_unit = {};
};

/// The length that `text` spells, such as "0.25" in micrometres or "250 nm".
SpelledLength spelled_length(std::string_view text);

}  // namespace untiled
