// Start tags and attributes of XML descriptions, as far as facts of slides need them. Nothing is
// checked.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace untiled {

/// `xml` with its comments and what it quotes as CDATA taken out.
std::string without_comments(std::string_view xml);

/// `xml` with all elements of a name taken out, their contents too.
std::string without_elements(std::string_view xml, std::string_view name);

/// The first start tag `<name ...>` or `<prefix:name ...>` of `xml` from `from` on, from its name
/// to before its last bracket; a part of `xml`, empty where there is none.
std::string_view find_tag(std::string_view xml, std::string_view name, size_t from = 0);

/// Where a part of `xml` that find_tag gave ends.
size_t end_of(std::string_view xml, std::string_view tag);

/// The value of an attribute of a start tag, its character references and entities resolved to
/// UTF-8.
std::optional<std::string> attribute(std::string_view tag, std::string_view name);

}  // namespace untiled
