#include "lib/core/csv_cell.h"

#include "tests/catch.h"

namespace untiled {
namespace {

TEST_CASE("text that a spreadsheet would compute gets an apostrophe, numbers stay numbers") {
  CHECK(csv_cell("=1+1") == "'=1+1");
  CHECK(csv_cell("@SUM(A1)") == "'@SUM(A1)");
  CHECK(csv_cell("-2+3|cmd") == "'-2+3|cmd");
  CHECK(csv_cell("+svs") == "'+svs");
  CHECK(csv_cell("\t=1").starts_with("'"));
  CHECK(csv_cell("\r=1").starts_with("'"));
  CHECK(csv_cell("=HYPERLINK(\"a\",\"b\")") == "\"'=HYPERLINK(\"\"a\"\",\"\"b\"\")\"");
  for (const char* number : {"-1.5", "+3", "-1e-7", "0.25", "nan", "-inf"}) {
    CHECK(csv_cell(number) == number);
  }
}

TEST_CASE("a cell is one line of printable text, quoted where it has to be") {
  CHECK(csv_cell("a,b") == "\"a,b\"");
  CHECK(csv_cell("a\x1b[1m\nb") == "a?[1m?b");
  CHECK(csv_cell("") == "");
}

}  // namespace
}  // namespace untiled
