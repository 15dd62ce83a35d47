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

/// Whether a bracket opens a start tag whose name begins at `at`, by itself or behind a prefix.
bool begins_tag(std::string_view xml, size_t at) {
  constexpr size_t kLongestPrefix = 64;
  if (at > 0 && xml[at - 1] == '<') return true;
  if (at == 0 || xml[at - 1] != ':') return false;
  const size_t first = at - 1 - std::min(at - 1, kLongestPrefix);
  const std::string_view before = xml.substr(first, at - 1 - first);
  const size_t bracket = before.find_last_of("</ \t\r\n>\"'=");
  return bracket != std::string_view::npos && before[bracket] == '<';
}

/// Whether letters that end at `after` are all of a name.
bool ends_name(std::string_view xml, size_t after) {
  return after < xml.size() && (is_space(xml[after]) || xml[after] == '/' || xml[after] == '>');
}

/// Where the end tag behind `from` of the element `name` ends.
size_t end_of_element(std::string_view xml, std::string_view name, size_t from) {
  for (size_t at = xml.find("</", from); at != std::string_view::npos;
       at = xml.find("</", at + 2)) {
    const size_t close = std::min(xml.find('>', at), xml.size());
    std::string_view found = xml.substr(at + 2, close - at - 2);
    found.remove_prefix(std::min(found.find(':') + 1, found.size()));
    if (found.starts_with(name) && found.find_last_not_of(kSpace) + 1 == name.size()) {
      return std::min(close + 1, xml.size());
    }
  }
  return xml.size();
}

/// `text` without what stands between `open` and `close`.
std::string without_parts(std::string_view text, std::string_view open, std::string_view close) {
  std::string left;
  while (!text.empty()) {
    const size_t start = std::min(text.find(open), text.size());
    left += text.substr(0, start);
    text.remove_prefix(start);
    const size_t end = text.find(close);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + close.size());
  }
  return left;
}

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
  return without_parts(without_parts(xml, "<!--", "-->"), "<![CDATA[", "]]>");
}

std::string without_elements(std::string_view xml, std::string_view name) {
  std::string text;
  size_t from = 0;
  for (std::string_view tag = find_tag(xml, name); !tag.empty(); tag = find_tag(xml, name, from)) {
    const size_t end = end_of(xml, tag);
    const size_t bracket = xml.rfind('<', end - tag.size());
    text += xml.substr(from, bracket - from);
    from = tag.ends_with('/') ? std::min(end + 1, xml.size()) : end_of_element(xml, name, end);
  }
  return text.append(xml.substr(from));
}

std::string_view find_tag(std::string_view xml, std::string_view name, size_t from) {
  for (size_t at = xml.find(name, from); at != std::string_view::npos;
       at = xml.find(name, at + 1)) {
    const size_t after = at + name.size();
    if (begins_tag(xml, at) && ends_name(xml, after)) {
      return xml.substr(at, tag_end(xml, after) - at);
    }
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
