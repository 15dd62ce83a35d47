#include "app/commands/batch_options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "app/commands/batch_output.h"
#include "app/commands/work_identity.h"
#include "data/cohort/slide_list.h"

namespace untiled {

OutputOptions BatchArguments::output_options() const {
  OutputOptions options;
  options.formats.clear();
  for (const std::string& name : formats) options.formats.insert(output_format(name));
  if (preview) options.formats.insert(OutputFormat::kPreview);
  options.tolerance = tolerance;
  return options;
}

std::map<std::string, std::string> BatchArguments::identity(
    const std::string& verb, const Settings& loaded, const std::vector<std::string>& keys) const {
  std::map<std::string, std::string> parts = settings_identity(loaded, keys);
  std::vector<std::string> names;
  for (const OutputFormat format : output_options().formats) names.push_back(to_string(format));
  parts["verb"] = verb;
  parts["formats"] = fmt::format("{}", fmt::join(names, ","));
  parts["tolerance"] = fmt::format("{}", tolerance);
  return parts;
}

BatchOptions BatchArguments::batch_options(
    const std::string& verb, const Settings& loaded,
    const std::map<std::string, std::string>& identity) const {
  BatchOptions options;
  options.out = out;
  options.title = verb;
  options.shard = parse_shard(shard);
  options.deidentify = loaded.run.deidentify;
  options.memory_budget = loaded.memory_budget;
  if (!*json) options.tell = print_slide;
  for (const OutputFormat format : output_options().formats) {
    options.endings.push_back(ending_of(format));
  }
  options.settings_hash = identity_hash(identity);
  options.slides = list_slides(*inputs);
  return options;
}

std::shared_ptr<BatchArguments> add_batch_arguments(CLI::App& verb,
                                                    const std::vector<std::string>& formats,
                                                    std::vector<std::string> usual) {
  auto arguments = std::make_shared<BatchArguments>();
  arguments->inputs = add_slide_arguments(verb);
  arguments->settings = add_settings_flags(verb);
  arguments->formats = std::move(usual);
  verb.add_option("--out", arguments->out, "Folder for the outputs and reports")
      ->check(refuse_empty)
      ->required();
  verb.add_option(
          "--format", arguments->formats,
          fmt::format("{}, separated by commas; {} by default. QuPath opens ome-tiff, tiff, "
                      "geojson and ome-zarr-0.4, not ome-zarr (0.5), which Python's Zarr "
                      "and napari open",
                      fmt::join(formats, ", "), fmt::join(arguments->formats, ",")))
      ->type_name("LIST")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::IsMember(formats));
  verb.add_flag("--preview", arguments->preview, "Also draw the outlines on a thumbnail");
  verb.add_option("--tolerance", arguments->tolerance,
                  "Mask pixels by which GeoJSON's borders may be simplified; 0: exact")
      ->check(CLI::Range(0.0, 1000.0));
  verb.add_option("--shard", arguments->shard, "Part i of N of the slides, for job arrays")
      ->type_name("i/N");
  add_setting_option(verb, arguments->settings, "--origin", "data.origin",
                     "Where coordinates start: qupath at the bounds")
      ->check(CLI::IsMember({"qupath", "openslide"}));
  add_deidentify_flag(verb, arguments->settings);
  arguments->json = add_json_flag(verb);
  return arguments;
}

}  // namespace untiled
