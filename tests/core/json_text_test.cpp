#include "lib/core/json_text.h"

#include "lib/core/json_number.h"
#include "tests/catch.h"

namespace untiled {
namespace {

std::string nested(size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); }

TEST_CASE("JSON is parsed to a hundred levels, and refused by their number beyond") {
  using Json = nlohmann::json;
  CHECK(parse_json<Json>(nested(100)).is_array());
  CHECK_THROWS_WITH(parse_json<Json>(nested(101)), contains_text("101 levels"));
  CHECK_THROWS_AS(parse_json<Json>(std::string(5'000'000, '[')), DataError);
  CHECK_THROWS_AS(parse_json<Json>(std::string(3'000'000, '{')), DataError);
}

TEST_CASE("brackets and commas in strings are no levels and no values") {
  const JsonShape shape = json_shape(R"(["[[[\"[{,,", 1, {"a": "]"}])");
  CHECK(shape.depth == 2);
  CHECK(shape.values == 5);
}

TEST_CASE("a text that is no JSON is a data error with the byte") {
  CHECK_THROWS_WITH(parse_json<nlohmann::json>("{\"a\": }"), contains_text("at byte 7"));
  CHECK_THROWS_AS(parse_json<nlohmann::json>(""), DataError);
}

TEST_CASE("written JSON holds no character that a terminal obeys, and reads back the same") {
  const std::string name =
      "a\x1b[2J\x7f\xC2\x9B"
      "31m\xE2\x80\xAE\xE2\x80\xA8.svs";
  const std::string text = json_text({{"slide", name}});
  for (const char c : text) CHECK((static_cast<unsigned char>(c) >= 0x20 && c != 0x7F));
  CHECK(text.find("\\u009b") != std::string::npos);
  CHECK(text.find("\xC2\x9B") == std::string::npos);
  CHECK(parse_json<nlohmann::json>(text).at("slide") == name);
}

TEST_CASE("a number of JSON that is none of the whole ones in a range is refused by its name") {
  const auto number = [](const char* text) {
    return whole_number("rows", parse_json<nlohmann::json>(text), -5, 7);
  };
  CHECK(number("-5") == -5);
  CHECK(number("7") == 7);
  for (const char* text : {"8", "-6", "1.5", "1e3", "1e300", "-1e300", "18446744073709551615",
                           "10044444444444444444444444440", "null", "\"3\"", "[3]", "true"}) {
    CAPTURE(text);
    CHECK_THROWS_WITH(number(text), "its rows is no whole number from -5 to 7");
  }
}

}  // namespace
}  // namespace untiled
