#include "lib/core/number.h"

#include <clocale>
#include <cmath>
#include <limits>

#include "tests/catch.h"

namespace untiled {
namespace {

TEST_CASE("a number is the whole text or nothing") {
  CHECK(parse_number<int64_t>("-42") == -42);
  CHECK(parse_number<double>("-1.5e3") == -1500.0);
  CHECK(parse_number<double>(".5") == 0.5);
  for (const char* text : {"", " 1", "1 ", "+1", "1,5", "1x", "0x10", "--1", "-", "."}) {
    CAPTURE(text);
    CHECK_FALSE(parse_number<double>(text).has_value());
    CHECK_FALSE(parse_number<int64_t>(text).has_value());
  }
  CHECK_FALSE(parse_number<int64_t>("1.0").has_value());
}

TEST_CASE("a number beyond its type's range is none") {
  CHECK(parse_number<int64_t>("9223372036854775807") == std::numeric_limits<int64_t>::max());
  CHECK_FALSE(parse_number<int64_t>("9223372036854775808").has_value());
  CHECK(parse_number<uint64_t>("18446744073709551615") == std::numeric_limits<uint64_t>::max());
  CHECK_FALSE(parse_number<uint64_t>("-1").has_value());
  CHECK_FALSE(parse_number<int>("2147483648").has_value());
  CHECK_FALSE(parse_number<double>("1e309").has_value());
  CHECK_FALSE(parse_number<double>("-1e309").has_value());
}

TEST_CASE("a double is read to its nearest value, down to the smallest") {
  CHECK(parse_number<double>("0.1") == 0.1);
  CHECK(parse_number<double>("1.7976931348623157e308") == std::numeric_limits<double>::max());
  CHECK(parse_number<double>("5e-324") == std::numeric_limits<double>::denorm_min());
  CHECK(parse_number<double>("1e-400") == 0.0);
  // Half way between two doubles, and a digit above, far behind the 17th.
  CHECK(parse_number<double>("9007199254740993") == 9007199254740992.0);
  CHECK(parse_number<double>("9007199254740993.000000000000000000000001") == 9007199254740994.0);
}

TEST_CASE("infinity and not-a-number are doubles by name") {
  CHECK(parse_number<double>("inf") == std::numeric_limits<double>::infinity());
  CHECK(parse_number<double>("-inf") == -std::numeric_limits<double>::infinity());
  const auto nan = parse_number<double>("nan");
  REQUIRE(nan.has_value());
  CHECK(std::isnan(*nan));
  CHECK_FALSE(parse_number<int64_t>("inf").has_value());
}

TEST_CASE("a decimal comma of the locale changes no number") {
  const std::string before = std::setlocale(LC_NUMERIC, nullptr);
  const bool has_comma = std::setlocale(LC_NUMERIC, "de_DE.UTF-8") != nullptr;
  const auto point = parse_number<double>("1.5");
  const auto comma = parse_number<double>("1,5");
  std::setlocale(LC_NUMERIC, before.c_str());
  if (!has_comma) UNTILED_SKIP("no locale with a decimal comma is installed");
  CHECK(point == 1.5);
  CHECK_FALSE(comma.has_value());
}

TEST_CASE("a part of a text is read without what follows it") {
  const std::string text = "12.7|99";
  CHECK(parse_number<double>(std::string_view(text).substr(0, 4)) == 12.7);
  CHECK(parse_number<int64_t>(std::string_view(text).substr(5, 1)) == 9);
}

TEST_CASE("hexadecimal digits are read whole, without a prefix or a sign") {
  CHECK(parse_hex("ff8000") == 0xFF8000U);
  CHECK(parse_hex("FF8000") == 0xFF8000U);
  for (const char* text : {"", "0x10", "-1", "g", "1 ", "100000000"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_hex(text).has_value());
  }
}

}  // namespace
}  // namespace untiled
