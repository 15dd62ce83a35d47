#include "app/config/yaml_text.h"

#include <sys/stat.h>

#include "lib/core/error.h"
#include "tests/app/config/yaml_file.h"
#include "tests/catch.h"

namespace untiled {
namespace {

YAML::Node parse(const std::string& text) { return parse_yaml(text, "text", true); }

TEST_CASE("settings of more than one document, or that go on after their end, are refused") {
  CHECK(parse("---\na: 1\n").IsMap());
  CHECK(parse("a: 1\n...\n").IsMap());
  CHECK_THROWS_WITH(parse("a: 1\n---\nb: 2\n"), contains_text("one YAML document"));
  for (const char* text : {"[1] 2", "[]]", "{a: 1} }", "\"a\" b", "[a] [b]", "'x' ]"}) {
    INFO(text);
    CHECK_THROWS_AS(parse(text), ConfigError);
    CHECK_THROWS_AS(default_settings({std::string("model.widths=") + text}), ConfigError);
  }
}

TEST_CASE("nesting of YAML is bounded, in lines as in brackets") {
  CHECK_NOTHROW(parse(std::string(32, '[') + std::string(32, ']')));
  CHECK_THROWS_WITH(parse(std::string(33, '[') + std::string(33, ']')), contains_text("levels"));
  CHECK_THROWS_AS(parse(std::string(100'000, '[')), ConfigError);
  CHECK_THROWS_AS(parse(std::string(100'000, '{')), ConfigError);
  std::string lines;
  for (size_t i = 0; i < 2000; ++i) lines += std::string(i, ' ') + "a:\n";
  CHECK_THROWS_AS(parse(lines), ConfigError);
  std::string dashes;
  for (size_t i = 0; i < 100'000; ++i) dashes += "- ";
  CHECK_THROWS_AS(parse(dashes), ConfigError);
}

TEST_CASE("aliases that stand for millions of values are refused") {
  CHECK(parse("a: &x [1, 2]\nb: *x\n")["b"].size() == 2);
  std::string bomb = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]\n";
  for (int i = 1; i < 9; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int k = 0; k < 8; ++k) bomb += ", " + before;
    bomb += "]\n";
  }
  CHECK_THROWS_WITH(parse(bomb), contains_text("stands for more than"));
  CHECK_THROWS_AS(parse("&a [*a]"), ConfigError);
}

TEST_CASE("a folder or a pipe is no settings file, and is not waited for") {
  const TemporaryFolder folder;
  REQUIRE(::mkfifo((folder / "pipe.yaml").c_str(), 0600) == 0);
  CHECK_THROWS_WITH(load_settings(folder / "pipe.yaml"), contains_text("a pipe"));
  CHECK_THROWS_WITH(load_settings(folder.path()), contains_text("a folder"));
  CHECK_THROWS_WITH(load_settings("/dev/zero"), contains_text("a device"));
}

}  // namespace
}  // namespace untiled
