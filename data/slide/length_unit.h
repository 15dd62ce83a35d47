// Units of length as descriptions of images spell them.
#pragma once

#include <optional>
#include <string_view>

namespace untiled {

/// Micrometres in one `unit`: OME's units of length, their names in words, and the spellings of
/// the micrometre that go about (micron, um, either micro sign of Unicode, that of Latin-1).
/// Nothing for a unit without a size, such as a pixel, and for one that is not known.
std::optional<double> unit_um(std::string_view unit);

}  // namespace untiled
