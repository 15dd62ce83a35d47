#include "lib/core/printable.h"

#include <fmt/format.h>

#include <array>

namespace untiled {
namespace {

/// How many bytes a UTF-8 sequence has that begins with `first`; 0 where none does.
size_t sequence_length(unsigned char first) {
  if (first < 0x80) return 1;
  if (first < 0xC2) return 0;
  if (first < 0xE0) return 2;
  if (first < 0xF0) return 3;
  return first < 0xF5 ? 4 : 0;
}

/// What terminals obey (C0, DEL, C1), and what reorders or ends a line on a page.
bool is_control(uint32_t code) {
  const bool is_order = code == 0x61C || code == 0x200E || code == 0x200F ||
                        (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
  return code < 0x20 || (code >= 0x7F && code < 0xA0) || is_order;
}

bool keeps_lines(uint32_t code) { return code == '\n' || code == '\r' || code == '\t'; }

template <typename Instead>
std::string replaced(std::string_view text, bool lines, const Instead& instead) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Character next = first_character(text);
    const std::string_view bytes = text.substr(0, next.length);
    const bool keep = next.is_valid && (!next.is_control || (lines && keeps_lines(next.code)));
    out += keep ? std::string(bytes) : instead(bytes);
    text.remove_prefix(next.length);
  }
  return out;
}

std::string question_mark(std::string_view /*bytes*/) { return "?"; }

}  // namespace

Character first_character(std::string_view text) {
  constexpr Character kNone{.length = 1, .code = 0, .is_valid = false};
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const size_t length = sequence_length(byte(0));
  if (length == 0 || length > text.size()) return kNone;
  constexpr std::array<uint32_t, 5> kFirstBits = {0, 0x7F, 0x1F, 0x0F, 0x07};
  uint32_t code = byte(0) & kFirstBits[length];
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return kNone;
    code = code << 6 | (byte(i) & 0x3FU);
  }
  constexpr std::array<uint32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  const bool is_surrogate = code >= 0xD800 && code < 0xE000;
  if (code < kLeast[length] || is_surrogate || code > 0x10FFFF) return kNone;
  return {.length = length, .code = code, .is_valid = true, .is_control = is_control(code)};
}

size_t valid_utf8_length(std::string_view text) {
  std::string_view rest = text;
  while (!rest.empty()) {
    const Character next = first_character(rest);
    if (!next.is_valid) break;
    rest.remove_prefix(next.length);
  }
  return text.size() - rest.size();
}

bool is_utf8(std::string_view text) { return valid_utf8_length(text) == text.size(); }

std::string printable(std::string_view text) { return replaced(text, false, question_mark); }

std::string printable_lines(std::string_view text) { return replaced(text, true, question_mark); }

std::string text_name(std::string_view name) {
  return replaced(name, false, [](std::string_view bytes) {
    std::string text;
    for (const char c : bytes) text += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    return text;
  });
}

}  // namespace untiled
