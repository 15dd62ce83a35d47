#include "data/slide/length_unit.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "data/slide/number.h"
#include "lib/core/lower_case.h"

namespace untiled {
namespace {

using std::string_view_literals::operator""sv;

struct Unit {
  std::string_view name;
  double um;
};

/// Where capitals tell units apart (mm, Mm).
constexpr Unit kSymbols[] = {
    {"Ym"sv, 1e30},
    {"Zm"sv, 1e27},
    {"Em"sv, 1e24},
    {"Pm"sv, 1e21},
    {"Tm"sv, 1e18},
    {"Gm"sv, 1e15},
    {"Mm"sv, 1e12},
    {"km"sv, 1e9},
    {"hm"sv, 1e8},
    {"dam"sv, 1e7},
    {"m"sv, 1e6},
    {"dm"sv, 1e5},
    {"cm"sv, 1e4},
    {"mm"sv, 1e3},
    {"um"sv, 1.0},
    {"nm"sv, 1e-3},
    {"pm"sv, 1e-6},
    {"fm"sv, 1e-9},
    {"am"sv, 1e-12},
    {"zm"sv, 1e-15},
    {"ym"sv, 1e-18},
    {"\xC3\x85"sv, 1e-4},      // The letter A with a ring,
    {"\xE2\x84\xAB"sv, 1e-4},  // the sign of the Angstrom,
    {"A\xCC\x8A"sv, 1e-4},     // the letter with its ring behind it,
    {"\xC5"sv, 1e-4},          // and the letter in Latin-1.
    {"thou"sv, 25.4},
    {"mil"sv, 25.4},
    {"li"sv, 25400.0 / 12},
    {"in"sv, 25400.0},
    {"ft"sv, 304800.0},
    {"yd"sv, 914400.0},
    {"mi"sv, 1609.344e6},
    {"ua"sv, 149597870700e6},
    {"ly"sv, 9460730472580800e6},
    {"pc"sv, 3.0856775814913673e22},
    {"pt"sv, 25400.0 / 72},
};

/// Without the s of a plural, lower case.
constexpr Unit kWords[] = {
    {"um"sv, 1.0},
    {"umeter"sv, 1.0},
    {"umetre"sv, 1.0},
    {"micron"sv, 1.0},
    {"micrometer"sv, 1.0},
    {"micrometre"sv, 1.0},
    {"nanometer"sv, 1e-3},
    {"nanometre"sv, 1e-3},
    {"picometer"sv, 1e-6},
    {"picometre"sv, 1e-6},
    {"millimeter"sv, 1e3},
    {"millimetre"sv, 1e3},
    {"centimeter"sv, 1e4},
    {"centimetre"sv, 1e4},
    {"meter"sv, 1e6},
    {"metre"sv, 1e6},
    {"angstrom"sv, 1e-4},
    {"angstr\xC3\xB6m"sv, 1e-4},
    {"\xC3\xA5ngstrom"sv, 1e-4},
    {"\xC3\xA5ngstr\xC3\xB6m"sv, 1e-4},
    {"\xC3\x85ngstrom"sv, 1e-4},
    {"\xC3\x85ngstr\xC3\xB6m"sv, 1e-4},
    {"inch"sv, 25400.0},
    {"inche"sv, 25400.0},
    {"point"sv, 25400.0 / 72},
    {"thousandth"sv, 25.4},
};

/// The micro signs that go about, longest first: U+00B5 read as Latin-1 and written as UTF-8 again,
/// U+00B5, U+03BC, HTML's entities that XML does not have, ImageJ's escape, and Latin-1.
constexpr std::string_view kMicro[] = {"\xC3\x82\xC2\xB5"sv, "\xC2\xB5"sv, "\xCE\xBC"sv,
                                       "&micro;"sv,          "&mu;"sv,     "\\u00B5"sv,
                                       "\\u00b5"sv,          "\xB5"sv};

std::string with_plain_micro(std::string_view unit) {
  for (const std::string_view sign : kMicro) {
    if (unit.starts_with(sign)) return std::string("u").append(unit.substr(sign.size()));
  }
  return std::string(unit);
}

template <size_t kCount>
std::optional<double> find(const Unit (&units)[kCount], std::string_view name) {
  const auto* const found = std::find_if(std::begin(units), std::end(units),
                                         [&](const Unit& unit) { return unit.name == name; });
  if (found == std::end(units)) return std::nullopt;
  return found->um;
}

/// White space and the no-break space of UTF-8 at the ends.
std::string_view bare(std::string_view unit) {
  constexpr std::string_view kNoBreak = "\xC2\xA0";
  unit = trimmed(unit);
  while (unit.starts_with(kNoBreak)) unit = trimmed(unit.substr(kNoBreak.size()));
  while (unit.ends_with(kNoBreak)) unit = trimmed(unit.substr(0, unit.size() - kNoBreak.size()));
  return unit;
}

}  // namespace

std::optional<double> unit_um(std::string_view unit) {
  const std::string name = with_plain_micro(bare(unit));
  if (const auto um = find(kSymbols, name)) return um;
  std::string word = lower_case(name);
  if (word.ends_with('s')) word.pop_back();
  return find(kWords, word);
}

SpelledLength spelled_length(std::string_view text) {
  if (const auto um = spelled_number<double>(text)) return {um};
  constexpr size_t kLongest = 64;
  text = trimmed(text).substr(0, kLongest);
  // The longest number that the text begins with: "2e-1 m" has an e in it, "2 em" has none.
  constexpr std::string_view kInNumbers = "+-.,0123456789eE";
  size_t end = std::min(text.find_first_not_of(kInNumbers), text.size());
  std::optional<double> number;
  while (end > 0 && !(number = spelled_number<double>(text.substr(0, end)))) --end;
  if (!number) return {};
  std::string_view unit = bare(text.substr(end));
  unit = unit.substr(0, unit.find_first_of("/ "));  // "um/px", "um per pixel"
  const auto um = unit_um(unit);
  return um ? SpelledLength{*number * *um} : SpelledLength{{}, std::string(unit)};
}

}  // namespace untiled
