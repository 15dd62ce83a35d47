#include "app/config/nearest_key.h"

#include "tests/catch.h"

using namespace untiled;

TEST_CASE("insertions, deletions, changes and swaps each count one") {
  CHECK(edit_distance("tile", "tile") == 0);
  CHECK(edit_distance("tile", "tiles") == 1);
  CHECK(edit_distance("tile", "tle") == 1);
  CHECK(edit_distance("tile", "tale") == 1);
  CHECK(edit_distance("tile", "itle") == 1);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("kitten", "sitting") == 3);
}

TEST_CASE("the last part of a key counts most, and initials stand for their words") {
  const std::vector<std::string> keys = {"train.loss", "train.steps",
                                         "train.optimizer.learning_rate", "run.folder", "device"};
  CHECK(nearest_key("train.los", keys) == "train.loss");
  CHECK(nearest_key("steps", keys) == "train.steps");
  CHECK(nearest_key("train.learning_rate", keys) == "train.optimizer.learning_rate");
  CHECK(nearest_key("train.lr", keys) == "train.optimizer.learning_rate");
  CHECK(nearest_key("devcie", keys) == "device");
  CHECK(nearest_key("train.steps.x", keys) == "train.steps");
  for (const char* unlike : {"zzz", "<<", "5", "train."}) CHECK(nearest_key(unlike, keys).empty());
}
