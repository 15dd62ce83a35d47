#include "lib/output/page.h"

#include <fmt/format.h>

#include <cstdint>

#include "lib/output/markup.h"

namespace untiled {
namespace {

constexpr const char* kStyle = R"(
:root{color-scheme:light dark;--line:#8884;--dim:#666;--bad:#c62828;--odd:#9a5b00;--good:#2e7d32}
@media(prefers-color-scheme:dark){:root{--dim:#aaa;--bad:#ff8a80;--odd:#ffb74d;--good:#81c784}}
*{box-sizing:border-box}
body{font:15px/1.45 system-ui,sans-serif;margin:0 auto;max-width:1500px;padding:1rem}
h1{font-size:1.3rem;margin:.2rem 0}
h2{font-size:1.1rem;margin:1.4rem 0 .4rem}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:.85rem}
th,td{text-align:left;padding:.3rem .5rem;border-bottom:1px solid var(--line);vertical-align:top}
td.n{text-align:right;font-variant-numeric:tabular-nums}
)";

}  // namespace

std::string data_uri(std::string_view media_type, std::string_view bytes) {
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out = fmt::format("data:{};base64,", media_type);
  out.reserve(out.size() + (bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j) {
      group = group << 8 | (i + j < bytes.size() ? static_cast<uint8_t>(bytes[i + j]) : 0U);
    }
    for (size_t j = 0; j < 4; ++j) {
      out += i + j <= bytes.size() ? kDigits[group >> (18 - 6 * j) & 63] : '=';
    }
  }
  return out;
}

std::string html_page(const std::string& title, std::string_view style, const std::string& body) {
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
      "<title>{}</title><style>{}{}</style></head><body>\n{}</body></html>\n",
      escape_markup(title), kStyle, style, body);
}

}  // namespace untiled
