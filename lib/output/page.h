// HTML pages that need no other file and no network.
#pragma once

#include <string>
#include <string_view>

namespace untiled {

/// A whole page in UTF-8. `body` is HTML, `title` text; `style` is added to what all pages share.
std::string html_page(const std::string& title, std::string_view style, const std::string& body);

/// "data:image/png;base64,..." (RFC 2397, RFC 4648) of a file's bytes.
std::string data_uri(std::string_view media_type, std::string_view bytes);

}  // namespace untiled
