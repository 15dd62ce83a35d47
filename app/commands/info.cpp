// info: what a slide says of itself, without its private parts unless they are asked for.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "app/batch/failure_count.h"
#include "app/commands/command.h"
#include "app/commands/options.h"
#include "data/cohort/slide_list.h"
#include "data/slide/fingerprint.h"
#include "data/slide/reader.h"
#include "data/slide/view.h"
#include "lib/core/error.h"
#include "lib/core/printable.h"
#include "lib/core/progress.h"
#include "lib/core/stop.h"

namespace untiled {
namespace {

using Json = nlohmann::ordered_json;

struct InfoOptions {
  bool all = false;
  bool hash = false;
};

/// What is known of one slide; `failure` is empty when it could be opened.
struct SlideFacts {
  std::filesystem::path path;
  SlideInfo info;
  std::string fingerprint;
  std::string content_hash;  ///< Empty unless asked for.
  std::string failure;
};

void examine(SlideFacts& facts, const Settings& settings, const InfoOptions& options) {
  throw_if_stopped();
  facts.info = open_slide(facts.path)->info();
  if (!facts.info.mpp_x && settings.data.assume_mpp) {
    facts.info.mpp_x = facts.info.mpp_y = settings.data.assume_mpp;
    facts.info.mpp_source = "assumed";
  }
  facts.fingerprint = fingerprint(facts.info);
  if (options.hash) facts.content_hash = content_hash(facts.info);
}

/// Label and macro images show what is written on the glass.
bool is_private_image(const std::string& name) { return name == "label" || name == "macro"; }

std::vector<std::string> visible_images(const SlideInfo& info, bool all) {
  std::vector<std::string> names;
  for (const std::string& name : info.associated_images) {
    if (all || !is_private_image(name)) names.push_back(name);
  }
  return names;
}

std::vector<Property> visible_properties(const SlideInfo& info, bool all) {
  std::vector<Property> properties;
  for (const Property& property : info.properties) {
    if (all || !property.is_private) properties.push_back(property);
  }
  return properties;
}

std::string hex_color(const Rgb& color) {
  return fmt::format("#{:02X}{:02X}{:02X}", color[0], color[1], color[2]);
}

Json optional_number(const std::optional<double>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json region_json(const Region& region) {
  return {{"x", region.cols.begin},
          {"y", region.rows.begin},
          {"width", region.cols.size()},
          {"height", region.rows.size()}};
}

Json levels_json(const SlideInfo& info) {
  Json levels = Json::array();
  for (const LevelInfo& level : info.levels) {
    levels.push_back(
        {{"width", level.extent.cols},
         {"height", level.extent.rows},
         {"downsample", level.downsample},
         {"mpp_x", optional_number(info.mpp_x ? std::optional(*info.mpp_x * level.downsample)
                                              : std::nullopt)},
         {"mpp_y", optional_number(info.mpp_y ? std::optional(*info.mpp_y * level.downsample)
                                              : std::nullopt)}});
  }
  return levels;
}

Json origins_json(const SlideInfo& info) {
  return {{"qupath", region_json(frame_of(info, Origin::kQuPath))},
          {"openslide", region_json(frame_of(info, Origin::kOpenSlide))}};
}

Json files_json(const SlideInfo& info) {
  Json files = Json::array();
  for (const auto& file : info.files) files.push_back(file.string());
  return files;
}

Json properties_json(const SlideInfo& info, bool all) {
  Json properties = Json::object();
  for (const Property& property : visible_properties(info, all)) {
    properties[property.key] = property.value;
  }
  return properties;
}

Json slide_json(const SlideFacts& facts, const InfoOptions& options) {
  if (!facts.failure.empty()) {
    return {{"path", facts.path.string()}, {"status", "failed"}, {"error", facts.failure}};
  }
  const SlideInfo& info = facts.info;
  const Extent& extent = info.levels.front().extent;
  Json json = {{"path", facts.path.string()},
               {"status", "ok"},
               {"vendor", info.vendor},
               {"backend", info.backend},
               {"width", extent.cols},
               {"height", extent.rows},
               {"mpp_x", optional_number(info.mpp_x)},
               {"mpp_y", optional_number(info.mpp_y)},
               {"mpp_source", info.mpp_source},
               {"objective_power", optional_number(info.objective_power)},
               {"levels", levels_json(info)},
               {"bounds", info.bounds ? region_json(*info.bounds) : Json(nullptr)},
               {"origins", origins_json(info)},
               {"background", hex_color(info.background)},
               {"has_icc_profile", info.has_icc},
               {"associated_images", visible_images(info, options.all)},
               {"warnings", info.warnings},
               {"properties", properties_json(info, options.all)},
               {"files", files_json(info)},
               {"fingerprint", facts.fingerprint}};
  if (options.hash) json["content_hash"] = facts.content_hash;
  return json;
}

std::string scale_text(const SlideInfo& info) {
  if (!info.mpp_x || !info.mpp_y) return "unknown (give one with --set data.assume_mpp=0.25)";
  if (*info.mpp_x == *info.mpp_y) {
    return fmt::format("{:.4g} um per pixel ({})", *info.mpp_x, info.mpp_source);
  }
  return fmt::format("{:.6g} x {:.6g} um per pixel ({})", *info.mpp_x, *info.mpp_y,
                     info.mpp_source);
}

std::string origin_text(const SlideInfo& info) {
  if (!info.bounds) return "the same for qupath and openslide";
  return fmt::format("qupath starts at x {}, y {} of openslide's and has {} x {}",
                     info.bounds->cols.begin, info.bounds->rows.begin, info.bounds->cols.size(),
                     info.bounds->rows.size());
}

void print_line(std::string_view name, std::string_view value) {
  fmt::print("  {:<12}{}\n", name, printable(value));
}

void print_properties(const SlideInfo& info, bool all) {
  const std::vector<Property> visible = visible_properties(info, all);
  for (const Property& property : visible)
    fmt::print("    {} = {}\n", printable(property.key), printable(property.value));
  const size_t hidden = info.properties.size() - visible.size();
  if (hidden > 0) {
    print_line("hidden",
               fmt::format("{} properties that may identify a patient; --all shows them", hidden));
  }
}

void print_slide(const SlideFacts& facts, const InfoOptions& options) {
  const SlideInfo& info = facts.info;
  const Extent& extent = info.levels.front().extent;
  fmt::print("{}\n", printable(facts.path.string()));
  print_line("format", fmt::format("{}, read by {}", info.vendor, info.backend));
  print_line("size", fmt::format("{} x {} (width x height), {:.1f} megapixels", extent.cols,
                                 extent.rows, static_cast<double>(extent.area()) / 1e6));
  print_line("scale", scale_text(info));
  if (info.objective_power) print_line("objective", fmt::format("{:g}x", *info.objective_power));
  for (size_t i = 0; i < info.levels.size(); ++i) {
    const LevelInfo& level = info.levels[i];
    print_line(fmt::format("level {}", i),
               fmt::format("{} x {}, downsample {:g}", level.extent.cols, level.extent.rows,
                           level.downsample));
  }
  print_line("origin", origin_text(info));
  print_line("background", hex_color(info.background));
  if (info.has_icc) print_line("profile", "an ICC profile is there and not applied");
  if (const auto images = visible_images(info, options.all); !images.empty()) {
    print_line("images", fmt::format("{}", fmt::join(images, ", ")));
  }
  print_line("files", fmt::format("{}", info.files.size()));
  print_line("fingerprint", facts.fingerprint);
  if (options.hash) print_line("hash", facts.content_hash);
  for (const std::string& warning : info.warnings) print_line("warning", warning);
  print_properties(info, options.all);
}

void print_all_json(const std::vector<SlideFacts>& slides, const InfoOptions& options) {
  Json list = Json::array();
  for (const SlideFacts& facts : slides) list.push_back(slide_json(facts, options));
  print_json({{"slides", std::move(list)}});
}

int run_info(const Settings& settings, const std::vector<std::string>& patterns,
             const InfoOptions& options, bool json) {
  std::vector<SlideFacts> slides;
  FailureCount failures;
  for (const CohortEntry& entry : list_slides(patterns)) {
    SlideFacts& facts = slides.emplace_back(SlideFacts{.path = entry.path});
    ++failures.slides;
    try {
      examine(facts, settings, options);
    } catch (const DataError& error) {
      facts.failure = error.what();
    } catch (const ConfigError& error) {
      facts.failure = error.what();
    }
    if (!facts.failure.empty()) {
      failures.add_failure(false);
      print_error(facts.failure);
    } else if (!json) {
      print_slide(facts, options);
    }
  }
  if (json) print_all_json(slides, options);
  return failures.exit_code();
}

std::function<int()> define_info(CLI::App& verb) {
  const auto slides = add_slide_arguments(verb);
  const auto settings = add_settings_flags(verb);
  const auto json = add_json_flag(verb);
  const auto options = std::make_shared<InfoOptions>();
  verb.add_flag("--all", options->all, "Show properties and images that may identify a patient");
  verb.add_flag("--hash", options->hash, "Also hash every byte of the slide's files");
  return [=] { return run_info(settings->load(), *slides, *options, *json); };
}

}  // namespace

Command info_command() {
  return {"info", "Say what a slide is: levels, scale, origin, vendor, fingerprint",
          "untiled info slide.svs --json", define_info};
}

}  // namespace untiled
