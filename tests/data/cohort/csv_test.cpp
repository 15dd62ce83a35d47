#include "data/cohort/csv.h"

#include "lib/core/atomic_file.h"
#include "tests/catch.h"
#include "tests/core/temporary_folder.h"

using namespace untiled;
using Fields = std::vector<std::string>;

namespace {

std::vector<CsvRow> parse(const std::string& text) {
  const TemporaryFolder folder;
  write_file(folder / "t.csv", text);
  return read_csv(folder / "t.csv");
}

}  // namespace

TEST_CASE("quoted fields hold commas, quotes and line ends") {
  const auto rows = parse("a,b\n\"x,1\",\"say \"\"hi\"\"\"\n\"two\nlines\",z\nlast,\n");
  REQUIRE(rows.size() == 4);
  CHECK(rows[1].fields == Fields{"x,1", "say \"hi\""});
  CHECK(rows[2].fields == Fields{"two\nlines", "z"});
  CHECK(rows[3].fields == Fields{"last", ""});
  CHECK(rows[3].line == 5);
}

TEST_CASE("a byte order mark, CRLF, blank lines and spaces around fields do no harm") {
  const auto rows = parse("\xEF\xBB\xBFslide,mpp\r\n\r\n a b.svs , 0.5\r\n\"c\" ,\"\"\r\nd,1");
  REQUIRE(rows.size() == 4);
  CHECK(rows[0].fields == Fields{"slide", "mpp"});
  CHECK(rows[1].fields == Fields{"a b.svs", "0.5"});
  CHECK(rows[1].line == 3);
  CHECK(rows[2].fields == Fields{"c", ""});
  CHECK(rows[3].fields == Fields{"d", "1"});
}

TEST_CASE("a broken quotation names file and line") {
  CHECK_THROWS_WITH(parse("a\nb\n\"open\nand on\n"),
                    contains_text("t.csv:3: a quoted field has no closing quote"));
  CHECK_THROWS_WITH(parse("a\n\"b\"c\n"), contains_text("t.csv:2: expected a comma"));
}

TEST_CASE("an empty file has no rows") { CHECK(parse("").empty()); }
