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

}  // namespace
}  // namespace untiled
