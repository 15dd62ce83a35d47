#include <cmath>
#include <limits>

#include "lib/core/atomic_file.h"
#include "lib/core/error.h"
#include "lib/core/pixel_source.h"
#include "lib/train/metrics_csv.h"
#include "lib/train/segmentation_scores.h"
#include "lib/train/tensorboard.h"
#include "tests/catch.h"
#include "tests/train/scratch_folder.h"

namespace untiled {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST_CASE("a log is cut back to what its checkpoint knew") {
  const ScratchFolder folder;
  int64_t kept = 0;
  {
    AppendFile file(folder / "sub/log", 0);
    file.append("one\n");
    kept = file.size_bytes();
    file.append("two\n");
  }
  {
    AppendFile file(folder / "sub/log", kept);
    CHECK(read_file(folder / "sub/log") == "one\n");
    file.append("deux\n");
    CHECK(file.size_bytes() == 9);
  }
  CHECK(read_file(folder / "sub/log") == "one\ndeux\n");
}

TEST_CASE("a log shorter than its checkpoint says is refused with both sizes") {
  const ScratchFolder folder;
  write_file(folder / "metrics.csv", "step\n");
  CHECK_THROWS_WITH(AppendFile(folder / "metrics.csv", 9),
                    contains_text("metrics.csv has 5 bytes where the checkpoint expects at "
                                  "least 9"));
  CHECK_THROWS_AS(AppendFile(folder / "metrics.csv", 9), DataError);
}

TEST_CASE("metrics rows leave fields empty where a step was not validated") {
  const ScratchFolder folder;
  {
    CsvFile csv(folder / "m.csv", 0, metrics_columns({"tissue"}));
    csv.append(metrics_fields({1, 0.1 + 0.2, 1e-3, 5.0, {}}, 1));
    csv.append(metrics_fields({2, 0.25, 1e-3, 4.0, ValidationMetrics{0.5, kNan, {kNan}}}, 1));
  }
  CHECK(read_file(folder / "m.csv") ==
        "step,loss,learning_rate,gradient_norm,validation_loss,validation_dice\n"
        "1,0.30000000000000004,0.001,5,,\n"
        "2,0.25,0.001,4,0.5,nan\n");
  CHECK(read_column(folder / "m.csv", "loss") == std::vector<double>{0.1 + 0.2, 0.25});
}

TEST_CASE("several classes have a Dice column each, with names quoted where they must be") {
  const ScratchFolder folder;
  {
    CsvFile csv(folder / "m.csv", 0, metrics_columns({"a", "b, \"c\""}));
    csv.append(metrics_fields({1, 1, 2, 3, {}}, 2));
    csv.append(metrics_fields({2, 1, 2, 3, ValidationMetrics{4, 0.5, {0.25, 0.75}}}, 2));
  }
  CHECK(read_file(folder / "m.csv") ==
        "step,loss,learning_rate,gradient_norm,validation_loss,validation_dice,validation_dice_a,"
        "\"validation_dice_b, \"\"c\"\"\"\n"
        "1,1,2,3,,,,\n"
        "2,1,2,3,4,0.5,0.25,0.75\n");
}

TEST_CASE("timings have a column for each part") {
  const ScratchFolder folder;
  CsvFile csv(folder / "t.csv", 0, timings_columns({"read", "forward"}));
  csv.append(timings_fields({1, 64, 2.0, 1.5, 0.25, 0.0, {0.5, 0.75}}));
  CHECK(read_file(folder / "t.csv") ==
        "step,pixels,decodes,step_seconds,update_seconds,validation_seconds,read_seconds,"
        "forward_seconds\n"
        "1,64,2,1.500000,0.250000,0.000000,0.500000,0.750000\n");
}

TEST_CASE("numbers are the shortest that read back as the same double") {
  for (const double value : {0.1, 1.0 / 3.0, 5e-324, 1.7976931348623157e308, -0.0, 1e23}) {
    CHECK(std::stod(exact(value) == "5e-324" ? "0" : exact(value)) ==
          (value == 5e-324 ? 0.0 : value));
  }
  CHECK(exact(0.1) == "0.1");
  CHECK(exact(5e-324) == "5e-324");
  CHECK(exact(-kNan) == "nan");
}

TEST_CASE("a table without the column or with a broken number is a data error") {
  const ScratchFolder folder;
  write_file(folder / "t.csv", "step,loss\n1,0.5\n2,half\n");
  CHECK_THROWS_AS(read_column(folder / "t.csv", "dice"), DataError);
  CHECK_THROWS_AS(read_column(folder / "t.csv", "loss"), DataError);
  CHECK(read_column(folder / "t.csv", "step") == std::vector<double>{1, 2});
}

TEST_CASE("CRC-32C gives the standard's check values") {
  CHECK(crc32c("123456789") == 0xE3069283U);
  CHECK(crc32c(std::string(32, '\0')) == 0x8A9136AAU);  // RFC 3720, B.4
  CHECK(crc32c("") == 0U);
}

TEST_CASE("an event file cut back goes on without a second version record") {
  const ScratchFolder folder;
  int64_t kept = 0;
  {
    TensorBoardWriter writer(folder / "events", 0);
    writer.write_scalars(1, {{"loss", 0.5}});
    kept = writer.size_bytes();
    writer.write_scalars(2, {{"loss", 0.25}});
  }
  const std::string before = read_file(folder / "events").substr(0, static_cast<size_t>(kept));
  TensorBoardWriter writer(folder / "events", kept);
  CHECK(read_file(folder / "events") == before);
  CHECK_THROWS_AS(writer.write_image(3, "x", "not a PNG at all, but long enough"), InternalError);
}

TEST_CASE("Dice and IoU of counts") {
  const ClassCounts counts{3, 1, 2};
  CHECK(dice(counts) == Approx(6.0 / 9.0));
  CHECK(intersection_over_union(counts) == Approx(0.5));
  CHECK(dice({0, 4, 0}) == 0.0);
  CHECK(std::isnan(dice({})));
  CHECK(std::isnan(intersection_over_union({})));
}

TEST_CASE("pixels without a label do not count") {
  const std::vector<uint8_t> reference = {1, 1, 0, 0, kIgnoredLabel, kIgnoredLabel};
  const std::vector<uint8_t> prediction = {1, 0, 1, 0, 1, 0};
  CHECK((count_pixels(reference, prediction, 1) == SegmentationCounts{{1, 1, 1}}));
  CHECK((count_pixels(reference, prediction, 2) == SegmentationCounts{{1, 1, 1}, {1, 1, 1}}));
  CHECK_THROWS_AS(count_pixels(reference, {}, 1), InternalError);
}

TEST_CASE("undefined scores are skipped in means, and pooling adds pixels before dividing") {
  // Class 0: Dice 1 and 0.5; class 1: undefined and 0.
  const std::vector<SegmentationCounts> slides = {{{10, 0, 0}, {0, 0, 0}}, {{1, 1, 1}, {0, 3, 0}}};
  const ScoreSummary summary = summarize(slides);
  CHECK(summary.class_dice.at(0) == Approx(0.75));
  CHECK(summary.class_dice.at(1) == 0.0);
  CHECK(summary.mean_dice == Approx(0.375));
  CHECK(summary.pooled_dice == Approx((22.0 / 24.0 + 0.0) / 2.0));
  const std::vector<SegmentationCounts> empty = {{{0, 0, 0}}};
  CHECK(std::isnan(summarize(empty).mean_dice));
}

}  // namespace
}  // namespace untiled
