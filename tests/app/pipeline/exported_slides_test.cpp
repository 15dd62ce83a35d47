#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "app/pipeline/class_maps.h"
#include "app/pipeline/labelled_slide.h"
#include "app/pipeline/mask_export.h"
#include "data/slide/reader.h"
#include "data/tissue/tissue_labels.h"
#include "lib/core/atomic_file.h"
#include "lib/core/error.h"
#include "lib/ranks/alone.h"
#include "models/resnet.h"
#include "models/unet.h"
#include "tests/catch.h"
#include "tests/core/temporary_folder.h"
#include "tests/slides/slides.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;

constexpr Extent kPicture = {331, 473};

Settings small_settings() {
  Settings settings;
  settings.threads = 2;
  settings.device = "cpu";
  return settings;
}

BatchOptions batch_of(const TemporaryFolder& folder, std::vector<std::string> endings) {
  BatchOptions options;
  options.out = folder / "out";
  options.slides = {{.path = testing::small_slide("picture.png")}};
  options.endings = std::move(endings);
  options.settings_hash = "s";
  return options;
}

fs::path save_unet(const TemporaryFolder& folder, const CheckpointInfo& info) {
  const fs::path file = folder / "unet.safetensors";
  save_checkpoint(file, random_parameters(unet_graph(info.model, 1), 7), info);
  return file;
}

fs::path save_resnet(const TemporaryFolder& folder) {
  Settings settings = small_settings();
  settings.model.kind = ModelKind::kResnet;
  settings.model.depth = 10;
  settings.model.width = 4;
  settings.data.labels = {"negative", "positive"};
  settings.train.loss = LossKind::kCrossEntropy;
  const SlideClassifier classifier(settings);
  ClassifierInfo info{.model = settings.model, .labels = settings.data.labels};
  const NamedTensors tensors =
      state_dict(classifier.graph(), random_resnet_parameters(classifier.graph(), 7),
                 initial_running_statistics(classifier.graph()));
  const fs::path file = folder / "resnet.safetensors";
  save_classifier(file, tensors, info);
  return file;
}

BatchOutcome export_with(const TemporaryFolder& folder, const CheckpointInfo& info) {
  const MaskExport work{{small_settings(), save_unet(folder, info), {}}, {}, info.threshold};
  const BatchOptions options = batch_of(folder, {ending_of(OutputFormat::kPng)});
  Alone alone;
  SharedBatch batch(alone, options);
  return batch.lead([&](SlideTask task) { return export_masks(work, batch, std::move(task)); });
}

}  // namespace

TEST_CASE("an exported mask is reported as its files have it") {
  const TemporaryFolder folder;
  CheckpointInfo info{.classes = {{.name = "tissue", .value = 1}}};
  const BatchOutcome outcome = export_with(folder, info);
  REQUIRE(outcome.slides.size() == 1);
  const SlideReport& report = outcome.slides[0].report;
  INFO(report.reason);
  REQUIRE(report.status != SlideStatus::kFailed);
  CHECK(report.mask == kPicture);
  REQUIRE(report.outputs.size() == 1);
  CHECK(fs::is_regular_file(folder / "out" / report.outputs[0]));
  const auto& fractions = std::get<MaskDetails>(report.details).fractions;
  REQUIRE(fractions.size() == 1);
  CHECK(fractions[0].first == "tissue");
  CHECK(fractions[0].second == report.tissue_fraction);
}

TEST_CASE("a slide of unknown scale is no slide for a model that works at one") {
  const TemporaryFolder folder;
  CheckpointInfo info{.classes = {{.name = "tissue", .value = 1}}, .training_mpp = 1.0};
  const BatchOutcome outcome = export_with(folder, info);
  REQUIRE(outcome.slides.size() == 1);
  CHECK(outcome.failed == 1);
  CHECK(outcome.slides[0].report.reason_code == "no_mpp");
}

TEST_CASE("a classifier's maps are files by class, and predictions.csv has a row a slide") {
  const TemporaryFolder folder;
  const MapExport work{{small_settings(), save_resnet(folder), {}}, SampleType::kFloat32};
  const std::vector<std::string> endings = map_endings(work.labels());
  const BatchOptions options = batch_of(folder, endings);
  Alone alone;
  SharedBatch batch(alone, options);
  const BatchOutcome outcome =
      batch.lead([&](SlideTask task) { return export_maps(work, batch, std::move(task)); });
  REQUIRE(outcome.slides.size() == 1);
  const SlideReport& report = outcome.slides[0].report;
  INFO(report.reason);
  REQUIRE(report.outputs.size() == 2);
  for (size_t k = 0; k < endings.size(); ++k) {
    CHECK(report.outputs[k] == report.slide_id + endings[k]);
    CHECK(fs::is_regular_file(options.out / report.outputs[k]));
  }
  const auto& details = std::get<ClassDetails>(report.details);
  REQUIRE(details.probabilities.size() == 2);
  const auto best =
      std::max_element(details.probabilities.begin(), details.probabilities.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  CHECK(details.label == best->first);
  CHECK(report.confidence == best->second);
  write_predictions(options.out, work.labels(), outcome);
  const std::string table = read_file(options.out / "predictions.csv");
  CHECK(table.find(report.slide_id + "," + details.label + ",") != std::string::npos);
}

TEST_CASE("classes whose maps would be one file are refused") {
  CHECK(map_endings({"a", "b/c"}) ==
        std::vector<std::string>{".a.probability.tif", ".b_c.probability.tif"});
  CHECK_THROWS_AS(map_endings({"b:c", "a", "b/c"}), DataError);
}

TEST_CASE("a labelled slide is reported as its labels are") {
  const TemporaryFolder folder;
  Settings settings = small_settings();
  settings.labels.min_object_um2 = 0;  // All pieces of so small a picture are small.
  const LabelWork work{.settings = settings, .output = {}, .level = {}, .method = "otsu"};
  const BatchOptions options = batch_of(folder, {ending_of(OutputFormat::kPng)});
  const BatchOutcome outcome =
      run_batch(options, [&](SlideTask task) { return label_slide(work, std::move(task)); });
  REQUIRE(outcome.slides.size() == 1);
  const SlideReport& report = outcome.slides[0].report;
  INFO(report.reason);
  REQUIRE(report.status == SlideStatus::kOk);
  const TissueLabels labels =
      label_tissue(open_slide(options.slides[0].path), {.labels = work.settings.labels});
  CHECK(report.mask == labels.map.low);
  CHECK(report.tissue_fraction == labels.tissue.fraction);
  CHECK(std::get<LabelDetails>(report.details).method == "otsu");
  CHECK(std::get<LabelDetails>(report.details).mask_downsample == labels.downsample);
  REQUIRE(report.outputs.size() == 1);
  CHECK(fs::is_regular_file(options.out / report.outputs[0]));
}

TEST_CASE("a slide of which a manifest has several regions is labelled once, and whole") {
  std::vector<CohortEntry> slides = {{.path = "a.svs"}, {.path = "b.svs"}, {.path = "./a.svs"}};
  slides[0].region = Region{{0, 10}, {0, 10}};
  keep_whole_slides(slides);
  REQUIRE(slides.size() == 2);
  CHECK_FALSE(slides[0].region);
  CHECK(slides[1].path == "b.svs");
}

}  // namespace untiled
