// Which of a slide's properties can identify a patient, a user or a place.
#pragma once

#include <string_view>

namespace untiled {

/// True for comments, descriptions, names, dates, identifiers, barcodes, labels and the like; errs
/// on the side of hiding.
bool is_private_property(std::string_view key);

}  // namespace untiled
