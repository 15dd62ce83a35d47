#include "data/slide/xml_tags.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <system_error>
#include <utility>

namespace untiled {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

/// Of "&#x10FFFF;", with some leading zeros.
constexpr size_t kLongestReference = 16;

bool is_space(char c) { return kSpace.find(c) != std::string_view::npos; }

/// Where the tag that begins at `at` ends: at the first bracket that is not inside quotes.
size_t tag_end(std::string_view xml, size_t at) {
  char quote = 0;
  for (; at < xml.size(); ++at) {
    const char c = xml[at];
    if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '>') {
      break;
    }
  }
  return at;
}

void append_utf8(std::string& text, uint32_t code) {
  const auto byte = [&](uint32_t value) { text += static_cast<char>(value); };
  if (code < 0x80) {
    byte(code);
  } else if (code < 0x800) {
    byte(0xC0 | code >> 6);
    byte(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    byte(0xE0 | code >> 12);
    byte(0x80 | (code >> 6 & 0x3F));
    byte(0x80 | (code & 0x3F));
  } else {
    byte(0xF0 | code >> 18);
    byte(0x80 | (code >> 12 & 0x3F));
    byte(0x80 | (code >> 6 & 0x3F));
    byte(0x80 | (code & 0x3F));
  }
}

/// What `&name;` stands for: one of XML's five entities, or a character by its number.
std::optional<std::string> resolved(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, char>, 5> kEntities = {
      {{"lt", '<'}, {"gt", '>'}, {"amp", '&'}, {"quot", '"'}, {"apos", '\''}}};
  for (const auto& [entity, letter] : kEntities) {
    if (name == entity) return std::string(1, letter);
  }
  if (!name.starts_with('#')) return std::nullopt;
  name.remove_prefix(1);
  const bool hexadecimal = name.starts_with('x') || name.starts_with('X');
  if (hexadecimal) name.remove_prefix(1);
  uint32_t code = 0;
  const char* const end = name.data() + name.size();
  const auto result = std::from_chars(name.data(), end, code, hexadecimal ? 16 : 10);
  if (result.ec != std::errc() || result.ptr != end || code > 0x10FFFF) return std::nullopt;
  std::string text;
  append_utf8(text, code);
  return text;
}

std::string unescaped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t start = std::min(text.find('&'), text.size());
    out += text.substr(0, start);
    text.remove_prefix(start);
    const size_t end = text.substr(0, kLongestReference).find(';');
    const auto letters =
        end == std::string_view::npos ? std::nullopt : resolved(text.substr(1, end - 1));
    if (letters) out += *letters;
    if (!letters && !text.empty()) out += text.front();
    text.remove_prefix(letters ? end + 1 : std::min<size_t>(1, text.size()));
  }
  return out;
}

}  // namespace

std::string without_comments(std::string_view xml) {
  constexpr std::string_view kOpen = "<!--";
  constexpr std::string_view kClose = "-->";
  std::string text;
  while (!xml.empty()) {
    const size_t start = std::min(xml.find(kOpen), xml.size());
    text += xml.substr(0, start);
    xml.remove_prefix(start);
    const size_t end = xml.find(kClose);
    xml.remove_prefix(end == std::string_view::npos ? xml.size() : end + kClose.size());
  }
  return text;
}

std::string_view find_tag(std::string_view xml, std::string_view name, size_t from) {
  for (size_t at = xml.find(name, from); at != std::string_view::npos;
       at = xml.find(name, at + 1)) {
    const bool starts = at > 0 && (xml[at - 1] == '<' || xml[at - 1] == ':');
    const size_t after = at + name.size();
    const bool ends =
        after < xml.size() && (is_space(xml[after]) || xml[after] == '/' || xml[after] == '>');
    if (starts && ends) return xml.substr(at, tag_end(xml, after) - at);
  }
  return {};
}

size_t end_of(std::string_view xml, std::string_view tag) {
  return static_cast<size_t>(tag.data() - xml.data()) + tag.size();
}

std::optional<std::string> attribute(std::string_view tag, std::string_view name) {
  for (size_t at = tag.find(name); at != std::string_view::npos; at = tag.find(name, at + 1)) {
    const auto skip_spaces = [&](size_t from) {
      return std::min(tag.find_first_not_of(kSpace, from), tag.size());
    };
    const size_t equals = skip_spaces(at + name.size());
    if (at == 0 || !is_space(tag[at - 1]) || equals == tag.size() || tag[equals] != '=') continue;
    const size_t quote = skip_spaces(equals + 1);
    if (quote == tag.size()) return std::nullopt;
    const size_t end = tag.find(tag[quote], quote + 1);
    if (end == std::string_view::npos) return std::nullopt;
    return unescaped(tag.substr(quote + 1, end - quote - 1));
  }
  return std::nullopt;
}

}  // namespace untiled
