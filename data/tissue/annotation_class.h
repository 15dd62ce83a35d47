// The class of an annotation, as QuPath and those who write its GeoJSON name it.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace untiled {

/// The class in a feature's properties: a name, an object with one or with the names of a derived
/// class, or the text of such an object as JSON or as Python shows it. Without space around it;
/// empty where none is said, nothing where what is said is no name.
std::optional<std::string> annotation_class(const nlohmann::json& properties);

}  // namespace untiled
