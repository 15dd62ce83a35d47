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

TEST_CASE("no-break spaces around fields, as pages and mails have them, do no harm") {
  const auto rows = parse("slide\xC2\xA0,mpp\n\xC2\xA0 a b.svs\xC2\xA0 ,0.5\xC2\xA0\n");
  CHECK(rows.at(0).fields == Fields{"slide", "mpp"});
  CHECK(rows.at(1).fields == Fields{"a b.svs", "0.5"});
}

TEST_CASE("a broken quotation names file and line") {
  CHECK_THROWS_WITH(parse("a\nb\n\"open\nand on\n"),
                    contains_text("t.csv:3: a quoted field has no closing quote"));
  CHECK_THROWS_WITH(parse("a\n\"b\"c\n"), contains_text("t.csv:2: expected a comma"));
}

TEST_CASE("a lone carriage return ends a line, as Excel for Mac has it") {
  const auto rows = parse("slide,mask\ra.tif,\r\"two\rlines\",z\rlast,\r");
  REQUIRE(rows.size() == 4);
  CHECK(rows[1].fields == Fields{"a.tif", ""});
  CHECK(rows[2].fields == Fields{"two\rlines", "z"});
  CHECK(rows[3].line == 5);
}

TEST_CASE("rows of empty fields are left out and keep their line's number") {
  const auto rows = parse("slide,mask,mpp\r\n,,\r\na.tif,,0.25\r\n , ,\r\n\"\",,\r\n");
  REQUIRE(rows.size() == 2);
  CHECK(rows[1].line == 3);
}

TEST_CASE("semicolons and tabulators stand between fields where the header has no comma") {
  CHECK(parse("slide;mpp\na.tif;0,25\n").at(1).fields == Fields{"a.tif", "0,25"});
  CHECK(parse("slide\tmask\tmpp\na b.tif\t\t0,25\n").at(1).fields == Fields{"a b.tif", "", "0,25"});
  CHECK(parse("slide,mpp\na;b.tif,1\n").at(1).fields == Fields{"a;b.tif", "1"});
  CHECK(parse("\"a,b\";c\n\"x;1\";2\n").at(1).fields == Fields{"x;1", "2"});
  CHECK(parse("sep=;\r\nslide;mpp\r\na.tif;1\r\n").at(0).fields == Fields{"slide", "mpp"});
  CHECK(parse("slide\na.tif\n").at(1).fields == Fields{"a.tif"});
}

TEST_CASE("UTF-16 is named, with a byte order mark and without") {
  using std::string_literals::operator""s;
  for (const std::string& text : {"\xFF\xFEs\0l\0"s, "\xFE\xFF\0s\0l"s, "s\0l\0i\0"s, "\0s\0l"s}) {
    CHECK_THROWS_WITH(parse(text), contains_text("t.csv: is UTF-16 text"));
  }
}

TEST_CASE("a byte 0 in a line is refused with that line") {
  using std::string_literals::operator""s;
  for (const std::string& text : {"slide,mask\na.svs\0,m.png\n"s, "slide,mask\na.svs,m\0.png\n"s}) {
    CHECK_THROWS_WITH(parse(text), contains_text(":2: expected text, found a byte 0"));
  }
}

TEST_CASE("an empty file has no rows") { CHECK(parse("").empty()); }
