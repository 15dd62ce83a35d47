#include "app/config/fields.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <concepts>
#include <map>
#include <optional>
#include <type_traits>
#include <utility>

#include "app/config/class_colors.h"
#include "app/config/convert.h"
#include "app/config/nearest_key.h"
#include "app/config/scale_limits.h"
#include "app/config/stain_reference.h"
#include "lib/core/printable.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;

// --- One function a kind of field ----------------------------------------------------------------

template <typename Number>
using Wide = std::conditional_t<std::is_floating_point_v<Number>, double,
                                std::conditional_t<std::is_signed_v<Number>, int64_t, uint64_t>>;

template <typename T>
YAML::Node scalar(const T& value) {
  return YAML::Node(fmt::format("{}", value));
}

template <typename Part, typename Number>
requires std::is_arithmetic_v<Number> Field<Part> number(std::string key, Number Part::*member,
                                                         Range<Wide<Number>> range,
                                                         std::string help) {
  return {std::move(key), describe(range), std::move(help),
          [=](Part& part, const Value& value) {
            part.*member = static_cast<Number>(read_number(value, range));
          },
          [=](const Part& part) { return scalar(part.*member); }};
}

template <typename Part, typename Number>
Field<Part> optional_number(std::string key, std::optional<Number> Part::*member,
                            Range<Number> range, std::string help) {
  return {std::move(key), describe(range) + ", or nothing", std::move(help),
          [=](Part& part, const Value& value) {
            const bool unset = value.is_null() || value.text() == "" || value.text() == "null";
            part.*member = unset ? std::nullopt : std::optional(read_number(value, range));
          },
          [=](const Part& part) {
            return part.*member ? scalar(*(part.*member)) : YAML::Node(YAML::NodeType::Null);
          }};
}

template <typename Part>
Field<Part> odd(std::string key, int Part::*member, std::string help) {
  constexpr int kMost = 31;
  const std::string type = fmt::format("an odd whole number from 1 to {}", kMost);
  return {std::move(key), type, std::move(help),
          [=](Part& part, const Value& value) {
            const auto size = read_number<int64_t>(value, {1, kMost});
            if (size % 2 == 0) throw value.refused(type);
            part.*member = static_cast<int>(size);
          },
          [=](const Part& part) { return scalar(part.*member); }};
}

template <typename Part>
Field<Part> whole_list(std::string key, std::vector<int> Part::*member, Range<int64_t> range,
                       size_t most_items, std::string help) {
  const std::string type =
      fmt::format("a list of 1 to {} numbers, each {}", most_items, describe(range));
  return {std::move(key), type, std::move(help),
          [=](Part& part, const Value& value) {
            const auto items = value.is_list() ? value.items() : std::vector<Value>();
            if (items.empty() || items.size() > most_items) throw value.refused(type);
            std::vector<int> numbers;
            numbers.reserve(items.size());
            for (const Value& item : items) {
              numbers.push_back(static_cast<int>(read_number(item, range)));
            }
            part.*member = std::move(numbers);
          },
          [=](const Part& part) {
            YAML::Node list(YAML::NodeType::Sequence);
            list.SetStyle(YAML::EmitterStyle::Flow);
            for (const int number : part.*member) list.push_back(scalar(number));
            return list;
          }};
}

/// A list of values, each read by `read` and shown as text.
template <typename Part, typename Item>
Field<Part> list(std::string key, std::vector<Item> Part::*member, std::string type,
                 Item (*read)(const Value&), std::string help) {
  return {std::move(key), type, std::move(help),
          [=](Part& part, const Value& value) {
            if (!value.is_list() && !value.is_null()) throw value.refused(type);
            std::vector<Item> items;
            for (const Value& item : value.items()) items.push_back(read(item));
            part.*member = std::move(items);
          },
          [=](const Part& part) {
            YAML::Node list(YAML::NodeType::Sequence);
            list.SetStyle(YAML::EmitterStyle::Flow);
            for (const Item& item : part.*member) list.push_back(scalar(item));
            return list;
          }};
}

template <typename Part>
Field<Part> flag(std::string key, bool Part::*member, std::string help) {
  return {std::move(key), "true or false", std::move(help),
          [=](Part& part, const Value& value) { part.*member = read_bool(value); },
          [=](const Part& part) { return scalar(part.*member); }};
}

template <typename Part>
Field<Part> path(std::string key, fs::path Part::*member, std::string help) {
  return {std::move(key), "a path", std::move(help),
          [=](Part& part, const Value& value) { part.*member = read_path(value); },
          [=](const Part& part) { return YAML::Node((part.*member).string()); }};
}

template <typename Part>
Field<Part> patterns(std::string key, std::vector<std::string> Part::*member, std::string help) {
  return {std::move(key), "a list of paths or globs", std::move(help),
          [=](Part& part, const Value& value) { part.*member = read_patterns(value); },
          [=](const Part& part) {
            YAML::Node list(YAML::NodeType::Sequence);
            for (const std::string& pattern : part.*member) list.push_back(pattern);
            return list;
          }};
}

template <typename Part>
Field<Part> bytes(std::string key, int64_t Part::*member, std::string help) {
  return {std::move(key), "a size such as 1GiB, 512MiB or 1.5GB", std::move(help),
          [=](Part& part, const Value& value) { part.*member = read_bytes(value); },
          [=](const Part& part) { return YAML::Node(bytes_text(part.*member)); }};
}

template <typename Part, typename Enum>
requires std::is_enum_v<Enum> Field<Part> choice(std::string key, Enum Part::*member,
                                                 std::vector<std::pair<std::string, Enum>> choices,
                                                 std::string help) {
  std::vector<std::string> names(choices.size());
  std::transform(choices.begin(), choices.end(), names.begin(),
                 [](const auto& named) { return named.first; });
  const std::string type = fmt::format("one of {}", fmt::join(names, ", "));
  return {std::move(key), type, std::move(help),
          [=](Part& part, const Value& value) {
            const auto found = std::find_if(choices.begin(), choices.end(),
                                            [&](const auto& c) { return value.text() == c.first; });
            if (found == choices.end()) throw value.refused(type);
            part.*member = found->second;
          },
          [=](const Part& part) {
            const auto found = std::find_if(choices.begin(), choices.end(), [&](const auto& c) {
              return c.second == part.*member;
            });
            return YAML::Node(found->first);
          }};
}

template <typename Part>
Field<Part> text(std::string key, std::string Part::*member, std::string type,
                 bool (*accepts)(const std::string&), std::string help) {
  return {std::move(key), type, std::move(help),
          [=](Part& part, const Value& value) {
            const std::string found = value.is_null() ? "" : value.text().value_or("[]");
            if (!accepts(found)) throw value.refused(type);
            part.*member = found;
          },
          [=](const Part& part) { return YAML::Node(part.*member); }};
}

/// The fields of a part as fields of the whole, with the part's name in front of their keys.
template <typename Part, typename Access>
void append(std::vector<Field<Settings>>& all, const std::string& section, Access access,
            const std::vector<Field<Part>>& fields) {
  for (const Field<Part>& field : fields) {
    all.push_back({section.empty() ? field.key : section + "." + field.key, field.type, field.help,
                   [=](Settings& s, const Value& value) { field.set(access(s), value); },
                   [=](const Settings& s) { return field.get(access(s)); }});
  }
}

// --- The settings --------------------------------------------------------------------------------

bool is_device(const std::string& text) {
  if (text == "auto" || text == "cpu" || text == "mps" || text == "cuda") return true;
  const std::string_view number = std::string_view(text).substr(std::min<size_t>(text.size(), 5));
  return text.starts_with("cuda:") && !number.empty() && number.size() <= 2 &&
         number.find_first_not_of("0123456789") == std::string_view::npos;
}

bool is_simd(const std::string& text) {
  return text == "auto" || text == "avx512" || text == "avx2" || text == "neon" || text == "scalar";
}

/// "2x3": rows and columns of ranks.
bool is_rank_grid(const std::string& text) {
  const auto is_count = [](std::string_view part) {
    return !part.empty() && part.size() <= 4 && part.front() != '0' &&
           part.find_first_not_of("0123456789") == std::string_view::npos;
  };
  const size_t cross = std::min(text.find('x'), text.size() - 1);
  return is_count(std::string_view(text).substr(0, cross)) &&
         is_count(std::string_view(text).substr(cross + 1));
}

bool is_rank_layout(const std::string& text) {
  if (text.empty()) return false;
  return text == "auto" || text == "rows" || text == "columns" || is_rank_grid(text);
}

bool is_profile(const std::string& text) {
  return text.empty() || text == "cpu" || text == "mps" || text == "cuda";
}

std::vector<Field<RunSettings>> run_fields() {
  return {path("folder", &RunSettings::folder,
               "Where checkpoints, metrics and previews go; must be empty or resumed."),
          path("scratch", &RunSettings::scratch,
               "Folder for stored tensors that do not fit the budget; empty: none."),
          flag("deidentify", &RunSettings::deidentify,
               "Write no paths, slide names or host; slides become hashes.")};
}

std::vector<Field<ClassSettings>> class_fields() {
  return {
      text(
          "name", &ClassSettings::name, "a name in UTF-8",
          [](const std::string& name) { return !name.empty() && name != "[]" && is_utf8(name); },
          "Its name in tables and masks."),
      number("value", &ClassSettings::value, {0, 254}, "Its pixel value in masks."),
      {"color", "a colour: [red, green, blue] or \"#rrggbb\"",
       "Its colour in pictures; by itself one that no other class has.",
       [](ClassSettings& c, const Value& value) { c.color = read_color(value); },
       [](const ClassSettings& c) { return YAML::Node(color_text(c.color)); }},
      number("weight", &ClassSettings::weight, {0.0, 1e6}, "Weight of its pixels in the loss.")};
}

struct GivenClass {
  ClassSettings settings;
  bool has_color = false;
};

GivenClass read_class(const Value& value) {
  if (!value.is_map()) throw value.refused("a class {name, value, color, weight}");
  GivenClass read;
  const std::vector<Value> given = apply(value, class_fields(), read.settings);
  const auto is_given = [&](std::string_view key) {
    return std::any_of(given.begin(), given.end(),
                       [key](const Value& v) { return v.key().ends_with(key); });
  };
  for (const std::string_view needed : {".name", ".value"}) {
    if (!is_given(needed)) throw value.error(fmt::format("has no {}", needed.substr(1)));
  }
  read.has_color = is_given(".color");
  return read;
}

std::vector<ClassSettings> read_classes(const Value& value) {
  std::vector<ClassSettings> classes;
  std::vector<size_t> uncolored;
  for (const Value& item : value.items()) {
    const GivenClass given = read_class(item);
    if (!given.has_color) uncolored.push_back(classes.size());
    classes.push_back(given.settings);
  }
  give_distinct_colors(classes, uncolored);
  return classes;
}

Field<DataSettings> classes_field() {
  return {"classes", "a list of {name, value, color, weight}",
          "What the network tells apart; empty: tissue against background; one: it against the "
          "rest.",
          [](DataSettings& data, const Value& value) {
            if (!value.is_list() && !value.is_null()) throw value.refused("a list of classes");
            data.classes = read_classes(value);
          },
          [](const DataSettings& data) {
            YAML::Node list(YAML::NodeType::Sequence);
            for (const ClassSettings& c : data.classes) {
              YAML::Node item;
              for (const auto& field : class_fields()) item[field.key] = field.get(c);
              list.push_back(item);
            }
            return list;
          }};
}

std::string read_label(const Value& value) {
  std::string name = value.text().value_or("");
  if (name.empty() || !is_utf8(name)) throw value.refused("a name in UTF-8");
  return name;
}

double read_weight(const Value& value) {
  constexpr double kMostWeight = 1e6;
  return read_number<double>(value, {0.0, kMostWeight});
}

std::vector<Field<CohortSettings>> cohort_fields() {
  return {
      patterns("slides", &CohortSettings::slides, "Training slides."),
      patterns("validation", &CohortSettings::validation,
               "Slides that are only measured; empty: the training slides are."),
      path("manifest", &CohortSettings::manifest,
           "CSV with columns slide, mask, label, split, group, mpp, region; instead of slides.")};
}

std::vector<Field<DataSettings>> data_fields() {
  return {
      number("level", &DataSettings::level, {0, 32},
             "Pyramid level to work at, 0 is the finest; unused when mpp is set."),
      optional_number("mpp", &DataSettings::mpp, Range<double>{kLeastMpp, kMostMpp},
                      "Micrometres per pixel to resample every slide to."),
      optional_number("assume_mpp", &DataSettings::assume_mpp, Range<double>{kLeastMpp, kMostMpp},
                      "Micrometres per pixel of slides that do not say theirs."),
      choice(
          "origin", &DataSettings::origin,
          {{"qupath", Origin::kQuPath}, {"openslide", Origin::kOpenSlide}},
          "Frame of coordinates: of the slide's bounds, as QuPath has it, or of all its pixels."),
      choice("cache", &DataSettings::cache,
             {{"auto", CacheMode::kAuto},
              {"none", CacheMode::kNone},
              {"ram", CacheMode::kRam},
              {"disk", CacheMode::kDisk}},
             "Where decoded pixels are kept between passes; auto: RAM if the budget has room."),
      choice("decode", &DataSettings::decode,
             {{"auto", DecodeChoice::kAuto},
              {"host", DecodeChoice::kHost},
              {"gpu", DecodeChoice::kGpu},
              {"nvimgcodec-host", DecodeChoice::kNvimgcodecHost}},
             "Who decodes JPEG tiles for a U-Net: the host; gpu: nvImageCodec on the CUDA "
             "device, whose pixels may be 3 of 255 off the host's, 8 where chroma is halved; "
             "nvimgcodec-host: its decoder for CPUs; auto: gpu where the device is CUDA's, "
             "nvImageCodec is there and no cache, stain or augmentation needs pixels on the host."),
      optional_number(
          "workers", &DataSettings::workers, Range<int64_t>{0, 256},
          "Threads that only decode, beside those that compute; nothing: none on a CPU, "
          "whose threads do both."),
      bytes("queue", &DataSettings::queue_bytes,
            "Decoded pixels that such threads may be ahead, beyond what the order of tiles needs."),
      classes_field(),
      number("ignore", &DataSettings::ignore, {0, 255}, "Mask value of pixels without weight."),
      list("labels", &DataSettings::labels, "a list of names", &read_label,
           "Classes of whole slides in the order of the probabilities, as the manifest's "
           "column label names them; of two, the second is the positive one."),
      list("label_weights", &DataSettings::label_weights, "a list of numbers from 0", &read_weight,
           "Their weights in the loss, in that order; empty: 1 each."),
  };
}

std::vector<Field<StainSettings>> stain_fields() {
  return {choice("method", &StainSettings::method,
                 {{"none", StainMethod::kNone}, {"macenko", StainMethod::kMacenko}},
                 "macenko: networks see each slide with the stains of a reference, exactly the "
                 "pixels that untiled tile --filter macenko writes; labels are made from the "
                 "slide's own."),
          {"reference", stain_reference_type(),
           "macenko: the stains that slides are made to look like; nothing: the published ones.",
           [](StainSettings& stain, const Value& value) {
             stain.reference = read_stain_reference(value);
           },
           [](const StainSettings& stain) { return stain_reference_node(stain.reference); }}};
}

std::vector<Field<LabelSettings>> label_fields() {
  return {choice("method", &LabelSettings::method,
                 {{"otsu", LabelMethod::kOtsu},
                  {"robust", LabelMethod::kRobust},
                  {"mask", LabelMethod::kMask}},
                 "otsu: tissue by its darkness, as published; robust: by its distance from the "
                 "background, without pen marks and padding; mask: the manifest's mask column. A "
                 "mask that the manifest names always counts."),
          number("mpp", &LabelSettings::mpp, {0.1, kMostMpp},
                 "Micrometres per pixel at which tissue labels are made."),
          number("median_um", &LabelSettings::median_um, {0.0, 1e4},
                 "otsu: diameter of the median filter in micrometres; 0: none."),
          number("min_hole_um2", &LabelSettings::min_hole_um2, {0.0, 1e12},
                 "Holes smaller than this many square micrometres are filled."),
          number("min_object_um2", &LabelSettings::min_object_um2, {0.0, 1e12},
                 "Pieces smaller than this many square micrometres are dropped."),
          choice("unannotated", &LabelSettings::unannotated,
                 {{"auto", Unannotated::kAuto},
                  {"ignored", Unannotated::kIgnored},
                  {"background", Unannotated::kBackground}},
                 "Pixels that no GeoJSON annotation covers: ignored, or the background's; auto: "
                 "ignored where data.classes has several classes."),
          choice("objects", &LabelSettings::objects,
                 {{"annotations", LabelObjects::kAnnotations}, {"all", LabelObjects::kAll}},
                 "Which objects of GeoJSON are labels: annotations, or detections, cells and tiles "
                 "as well.")};
}

Field<ModelSettings> depth_field() {
  const std::string type = "10, 18, 34 or 50";
  return {"depth", type, "resnet: layers.",
          [=](ModelSettings& model, const Value& value) {
            const auto depth = read_number<int64_t>(value, {1, 1000});
            if (depth != 10 && depth != 18 && depth != 34 && depth != 50) throw value.refused(type);
            model.depth = static_cast<int>(depth);
          },
          [](const ModelSettings& model) { return scalar(model.depth); }};
}

std::vector<Field<ModelSettings>> model_fields() {
  constexpr size_t kMostLevels = 8;
  return {
      choice("kind", &ModelSettings::kind,
             {{"unet", ModelKind::kUnet}, {"resnet", ModelKind::kResnet}},
             "unet: classes of pixels; resnet: classes of whole slides."),
      whole_list("widths", &ModelSettings::widths, {1, 1024}, kMostLevels,
                 "unet: channels at each level below the input."),
      number("stride", &ModelSettings::stride, {2, 16}, "unet: downsampling factor of each level."),
      odd("down_kernel", &ModelSettings::down_kernel, "unet: side of the strided convolutions."),
      odd("refine_kernel", &ModelSettings::refine_kernel,
          "unet: side of the convolution after each strided one."),
      odd("up_kernel", &ModelSettings::up_kernel, "unet: side of the transposed convolutions."),
      odd("head_kernel", &ModelSettings::head_kernel, "unet: side of the last convolution."),
      depth_field(),
      number("width", &ModelSettings::width, {1, 1024},
             "resnet: channels of the first stage, 64 as published."),
      number("first_stride", &ModelSettings::first_stride, {1, 8},
             "resnet: stride of the first convolution."),
      choice(
          "norm", &ModelSettings::norm,
          {{"batch", NormKind::kBatch}, {"frozen", NormKind::kFrozen}, {"none", NormKind::kNone}},
          "resnet: batch: statistics over all pixels of a step's slides; frozen: the running "
          "ones, which stay as they are; none."),
      path("init", &ModelSettings::init,
           "resnet: safetensors file with weights to begin with, named as torchvision does; "
           "empty: random ones.")};
}

std::vector<Field<TrainSettings>> train_fields() {
  constexpr int64_t kMostSteps = 1'000'000'000;
  return {
      number("steps", &TrainSettings::steps, {1, kMostSteps}, "Weight updates."),
      choice("loss", &TrainSettings::loss,
             {{"bce", LossKind::kBce},
              {"dice", LossKind::kDice},
              {"bce+dice", LossKind::kBceDice},
              {"cross_entropy", LossKind::kCrossEntropy}},
             "unet: bce, dice or both over the whole slide's pixels, bce being softmax "
             "cross-entropy for several classes; resnet: cross_entropy, or bce for two labels."),
      number("accumulate", &TrainSettings::accumulate, {1, 100'000},
             "unet: slides a step; their gradients are averaged."),
      number("batch", &TrainSettings::batch, {1, 100'000},
             "resnet: slides a step, normalised together; held in memory at the same time."),
      number("clip_norm", &TrainSettings::clip_norm, {0.0, 1e12},
             "Largest norm of the gradient; 0: no clipping."),
      number("threshold", &TrainSettings::threshold, {0.0, 1.0, true},
             "Probability from which a pixel counts; one class only."),
      number("validate_every", &TrainSettings::validate_every, {0, kMostSteps},
             "Steps between validations; 0: only at the end."),
      number("checkpoint_every", &TrainSettings::checkpoint_every, {1, kMostSteps},
             "Steps between checkpoints; the last step always has one.")};
}

std::vector<Field<OptimizerSettings>> optimizer_fields() {
  return {choice("name", &OptimizerSettings::kind,
                 {{"adam", OptimizerKind::kAdam},
                  {"adamw", OptimizerKind::kAdamW},
                  {"sgd", OptimizerKind::kSgd}},
                 "How gradients change weights."),
          number("learning_rate", &OptimizerSettings::learning_rate, {0.0, 1e3, true},
                 "Step size; the highest one of a schedule."),
          number("weight_decay", &OptimizerSettings::weight_decay, {0.0, 1e3},
                 "L2 penalty; decoupled for adamw."),
          number("momentum", &OptimizerSettings::momentum, {0.0, 1.0}, "sgd only."),
          number("beta1", &OptimizerSettings::beta1, {0.0, 0.999999},
                 "adam and adamw: decay of the gradient's mean."),
          number("beta2", &OptimizerSettings::beta2, {0.0, 0.999999},
                 "adam and adamw: decay of the squared gradient's mean."),
          number("epsilon", &OptimizerSettings::epsilon, {0.0, 1.0, true},
                 "adam and adamw: added to the divisor.")};
}

std::vector<Field<ScheduleSettings>> schedule_fields() {
  return {choice("name", &ScheduleSettings::kind,
                 {{"constant", ScheduleKind::kConstant},
                  {"cosine", ScheduleKind::kCosine},
                  {"one_cycle", ScheduleKind::kOneCycle}},
                 "How the learning rate changes over the steps."),
          number("warmup_fraction", &ScheduleSettings::warmup_fraction, {0.0, 1.0},
                 "cosine and one_cycle: part of the steps in which the rate rises."),
          number("final_fraction", &ScheduleSettings::final_fraction, {0.0, 1.0},
                 "cosine and one_cycle: last rate over the highest.")};
}

std::vector<Field<AugmentSettings>> augment_fields() {
  return {flag("flip", &AugmentSettings::flip, "Random mirror images, exact."),
          flag("rotate", &AugmentSettings::rotate, "Random quarter turns, exact."),
          number("stain", &AugmentSettings::stain, {0.0, 1.0},
                 "Standard deviation of haematoxylin's and eosin's strength, relative."),
          number("brightness", &AugmentSettings::brightness, {0.0, 1.0},
                 "Standard deviation of brightness, relative.")};
}

std::vector<Field<StreamingSettings>> streaming_fields() {
  return {choice("schedule", &StreamingSettings::schedule,
                 {{"auto", ScheduleChoice::kAuto},
                  {"sweep", ScheduleChoice::kSweep},
                  {"passes", ScheduleChoice::kPasses}},
                 "sweep: all parts of a step follow each other down the slide, which is decoded "
                 "once; passes: one after the other; auto: a sweep where it fits."),
          optional_number("tile", &StreamingSettings::tile, Range<int64_t>{16, 8192},
                          "Side of a tile in pixels: speed and memory depend on it, results do "
                          "not; nothing: as suits the kernels, the slide and memory_budget."),
          choice("dtype", &StreamingSettings::dtype,
                 {{"float32", Precision::kFloat32}, {"float64", Precision::kFloat64}},
                 "Precision of the computation."),
          choice("store", &StreamingSettings::store,
                 {{"auto", StoreChoice::kAuto},
                  {"all", StoreChoice::kAll},
                  {"blocks", StoreChoice::kBlocks}},
                 "resnet: tensors that are stored: all that later layers read, or blocks' outputs, "
                 "whose inside is computed once more on the way back; auto: all where the budget "
                 "has room.")};
}

std::vector<Field<RankSettings>> rank_fields() {
  constexpr int64_t kMostRanks = 1 << 20;
  return {text("layout", &RankSettings::layout, "auto, rows, columns or a grid such as 2x3",
               is_rank_layout,
               "How the ranks of a slide cut it: rows or columns of pixels, or rows x columns of "
               "ranks; results do not depend on it."),
          number("per_slide", &RankSettings::per_slide, {0, kMostRanks},
                 "Ranks that share a slide, while the others take the step's other slides "
                 "(train.accumulate; resnet: train.batch); 0: all share each slide."),
          choice("device_sums", &RankSettings::device_sums,
                 {{"auto", DeviceSums::kAuto}, {"host", DeviceSums::kHost}},
                 "How sums of ranks on CUDA devices travel: by the host's memory; auto: by NCCL "
                 "where each rank has a device of its own; results do not depend on it.")};
}

std::vector<Field<Settings>> general_fields() {
  return {
      bytes("memory_budget", &Settings::memory_budget,
            "Most memory above what the program needs to start."),
      number("threads", &Settings::threads, {0, 4096},
             "Tiles computed at the same time; 0: as many as cores may be used."),
      number("seed", &Settings::seed, {0},
             "Of weights, order and augmentation; the same seed gives the same bits."),
      choice("kernels", &Settings::kernels,
             {{"auto", KernelChoice::kAuto}, {"libtorch", KernelChoice::kLibTorch}},
             "auto: fused kernels where the network has their form (CPU, float32), else LibTorch."),
      text("simd", &Settings::simd, "auto, avx512, avx2, neon or scalar", is_simd,
           "Instruction set of the fused kernels; the last bits of results depend on it."),
      text("device", &Settings::device, "auto, cpu, mps, cuda or cuda:N", is_device,
           "Where to compute; auto takes CUDA, then MPS, then the CPU."),
      text("profile", &Settings::profile, "cpu, mps, cuda or nothing", is_profile,
           "Keep another backend's limits too; to try them without its hardware.")};
}

std::vector<Field<Settings>> make_settings_fields() {
  std::vector<Field<Settings>> all;
  append(
      all, "run", [](auto& s) -> auto& { return s.run; }, run_fields());
  append(
      all, "data", [](auto& s) -> auto& { return s.data.cohort; }, cohort_fields());
  append(
      all, "data", [](auto& s) -> auto& { return s.data; }, data_fields());
  append(
      all, "data.stain", [](auto& s) -> auto& { return s.data.stain; }, stain_fields());
  append(
      all, "labels", [](auto& s) -> auto& { return s.labels; }, label_fields());
  append(
      all, "model", [](auto& s) -> auto& { return s.model; }, model_fields());
  append(
      all, "train", [](auto& s) -> auto& { return s.train; }, train_fields());
  append(
      all, "train.optimizer", [](auto& s) -> auto& { return s.train.optimizer; },
      optimizer_fields());
  append(
      all, "train.schedule", [](auto& s) -> auto& { return s.train.schedule; }, schedule_fields());
  append(
      all, "augment", [](auto& s) -> auto& { return s.augment; }, augment_fields());
  append(
      all, "streaming", [](auto& s) -> auto& { return s.streaming; }, streaming_fields());
  append(
      all, "ranks", [](auto& s) -> auto& { return s.ranks; }, rank_fields());
  append(
      all, "", [](auto& s) -> auto& { return s; }, general_fields());
  return all;
}

// --- Groups --------------------------------------------------------------------------------------

/// Walks a group and the groups in it.
template <typename Part>
class Application {
 public:
  Application(const Value& root, const std::vector<Field<Part>>& fields, Part& part)
      : prefix_(root.key().empty() ? "" : root.key() + "."), fields_(fields), part_(part) {}

  void walk(const Value& group) {
    for (const Value& entry : group.entries()) take(entry);
  }

  std::vector<Value> given() && { return std::move(given_); }

 private:
  void take(const Value& entry) {
    const std::string key = entry.key().substr(prefix_.size());
    refuse_repeated(entry);
    const auto field = std::find_if(fields_.begin(), fields_.end(),
                                    [&key](const Field<Part>& f) { return f.key == key; });
    if (field != fields_.end()) {
      field->set(part_, entry);
      given_.push_back(entry);
    } else if (is_section(key)) {
      if (!entry.is_map() && !entry.is_null()) throw entry.refused("a group of settings");
      walk(entry);
    } else {
      const std::string nearest = nearest_key(key, names());
      throw entry.error(
          nearest.empty() ? "is not a setting; untiled --settings lists them"
                          : fmt::format("is not a setting; did you mean {}{}?", prefix_, nearest));
    }
  }

  void refuse_repeated(const Value& entry) {
    const auto [before, first] = places_.emplace(entry.key(), entry.place());
    if (!first) throw entry.error("is given twice, first at " + before->second);
  }

  bool is_section(const std::string& key) const {
    return std::any_of(fields_.begin(), fields_.end(), [&key](const Field<Part>& field) {
      return field.key.starts_with(key + ".");
    });
  }

  /// Keys and sections.
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const Field<Part>& field : fields_) {
      names.push_back(field.key);
      const std::string section = field.key.substr(0, field.key.rfind('.'));
      if (std::find(names.begin(), names.end(), section) == names.end()) names.push_back(section);
    }
    return names;
  }

  std::string prefix_;
  const std::vector<Field<Part>>& fields_;
  Part& part_;
  std::map<std::string, std::string> places_;
  std::vector<Value> given_;
};

}  // namespace

template <typename Part>
std::vector<Value> apply(const Value& group, const std::vector<Field<Part>>& fields, Part& part) {
  Application<Part> application(group, fields, part);
  application.walk(group);
  return std::move(application).given();
}

template std::vector<Value> apply(const Value&, const std::vector<Field<Settings>>&, Settings&);
template std::vector<Value> apply(const Value&, const std::vector<Field<ClassSettings>>&,
                                  ClassSettings&);

const std::vector<Field<Settings>>& settings_fields() {
  static const std::vector<Field<Settings>> fields = make_settings_fields();
  return fields;
}

}  // namespace untiled
