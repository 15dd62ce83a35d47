#include "lib/core/printable.h"

#include "tests/catch.h"

namespace untiled {
namespace {

TEST_CASE("a message is one line of UTF-8 whatever it quotes") {
  CHECK(printable("slide-\xC3\xA4.svs") == "slide-\xC3\xA4.svs");
  CHECK(printable("a\nb\x1b[2J") == "a?b?[2J");
  CHECK(printable("sl\xE9.svs") == "sl?.svs");
  CHECK(printable("\xE2\x82") == "??");
  CHECK(printable("").empty());
}

TEST_CASE("control sequences of one character, overlong forms and directions are not printed") {
  CHECK(printable("a\xC2\x9B"
                  "31m") == "a?31m");
  CHECK(printable("\xE0\x80\x9B") == "???");
  CHECK(printable("\xED\xA0\x80") == "???");
  CHECK(printable("gpj.\xE2\x80\xAE.svs") == "gpj.?.svs");
  CHECK(printable_lines("a\n\tb\x1b[2J") == "a\n\tb?[2J");
}

TEST_CASE("UTF-8 is told from other bytes") {
  CHECK(is_utf8(""));
  CHECK(is_utf8("caf\xc3\xa9 \x1b \xf0\x9f\x94\xac"));
  for (const char* other : {"caf\xe9", "\xc3", "\xc0\xaf", "\xed\xa0\x80", "a\xff"}) {
    CAPTURE(other);
    CHECK_FALSE(is_utf8(other));
  }
}

TEST_CASE("names that are no UTF-8 become different texts") {
  CHECK(text_name("sl\xE9.svs") == "sl%E9.svs");
  CHECK(text_name("sl\xE8.svs") != text_name("sl\xE9.svs"));
  CHECK(text_name("slide-\xC3\xA4.svs") == "slide-\xC3\xA4.svs");
}

}  // namespace
}  // namespace untiled
