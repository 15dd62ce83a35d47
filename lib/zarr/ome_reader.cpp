#include "lib/zarr/ome_reader.h"

#include <fmt/format.h>

#include <exception>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>

#include "lib/core/error.h"
#include "lib/core/number.h"
#include "lib/core/printable.h"
#include "lib/zarr/json_text.h"
#include "lib/zarr/metadata_file.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr size_t kMostAxes = 8;
constexpr size_t kMostDatasets = 64;
constexpr size_t kMostImages = 64;

/// What a folder's metadata say of it.
struct Node {
  fs::path file;
  OmeVersion version = OmeVersion::k05;
  bool is_array = false;
  Json attributes = Json::object();  ///< Those of OME-Zarr.
};

/// Whatever fails names the file.
template <typename Work>
auto naming(const fs::path& file, const Work& work) {
  try {
    return work();
  } catch (const DataError& error) {
    throw DataError(fmt::format("{} cannot be read as OME-Zarr: {}", file.string(), error.what()));
  }
}

Node read_v3_node(const fs::path& file) {
  const std::string text = read_metadata_file(file);
  return naming(file, [&] {
    const Json object = parse_json(text);
    Node node = {file};
    const std::string type = text_member(object, "node_type");
    if (type != "group" && type != "array") refuse("node_type", type, "group or array");
    node.is_array = type == "array";
    const Json* const attributes = find_member(object, "attributes");
    const Json* const ome = attributes == nullptr ? nullptr : find_member(*attributes, "ome");
    if (ome != nullptr) node.attributes = *ome;
    if (node.is_array || ome == nullptr) return node;
    const std::string version = text_member(*ome, "version");
    if (version != "0.5") refuse("OME-Zarr version", version, "0.5 (or 0.4 in Zarr 2)");
    return node;
  });
}

Node read_v2_node(const fs::path& folder) {
  Node node = {folder / ".zattrs", OmeVersion::k04};
  if (is_there(folder / ".zarray")) {
    node.is_array = true;
    return node;
  }
  if (!is_there(node.file)) return node;
  const std::string text = read_metadata_file(node.file);
  node.attributes = naming(node.file, [&] { return parse_json(text); });
  return node;
}

Node read_node(const fs::path& folder) {
  if (is_there(folder / "zarr.json")) return read_v3_node(folder / "zarr.json");
  return read_v2_node(folder);
}

/// Empty where there is none, or null, as some writers have for what they do not say.
std::string optional_text(const Json& object, const char* key) {
  const Json* const value = find_member(object, key);
  return value == nullptr || value->is_null() ? "" : text_member(object, key);
}

std::vector<OmeAxis> parse_axes(const Json& image) {
  const Json& list = member(image, "axes");
  if (!list.is_array() || list.empty() || list.size() > kMostAxes) {
    refuse("axes", list, "a short list");
  }
  std::vector<OmeAxis> axes;
  for (const Json& item : list) {
    axes.push_back(
        {text_member(item, "name"), optional_text(item, "type"), optional_text(item, "unit")});
  }
  return axes;
}

/// The product of the scales of a list of transformations; ones where it has none.
std::vector<double> parse_scale(const Json& object, size_t rank) {
  std::vector<double> product(rank, 1.0);
  const Json* const steps = find_member(object, "coordinateTransformations");
  if (steps == nullptr) return product;
  if (!steps->is_array()) refuse("coordinateTransformations", *steps, "a list");
  for (const Json& step : *steps) {
    if (text_member(step, "type") != "scale") continue;
    const std::vector<double> scale = numbers("scale", member(step, "scale"));
    if (scale.size() != rank) refuse("scale", step["scale"], "one number an axis");
    for (size_t d = 0; d < rank; ++d) product[d] *= scale[d];
  }
  return product;
}

std::vector<OmeDataset> parse_datasets(const Json& image, size_t rank) {
  const Json& list = member(image, "datasets");
  if (!list.is_array() || list.empty() || list.size() > kMostDatasets) {
    refuse("datasets", list, "a list of 1 to 64");
  }
  const std::vector<double> whole = parse_scale(image, rank);
  std::vector<OmeDataset> datasets;
  for (const Json& item : list) {
    OmeDataset dataset = {text_member(item, "path"), parse_scale(item, rank)};
    while (dataset.path.ends_with('/')) dataset.path.pop_back();
    for (size_t d = 0; d < rank; ++d) dataset.scale[d] *= whole[d];
    if (!stays_inside(dataset.path)) {
      refuse("path of a level", dataset.path, "a name inside of the folder");
    }
    datasets.push_back(std::move(dataset));
  }
  return datasets;
}

std::optional<std::array<uint8_t, 3>> parse_color(const Json& channel) {
  const Json* const text = find_member(channel, "color");
  if (text == nullptr || !text->is_string()) return std::nullopt;
  const auto digits = text->get<std::string>();
  const auto value = digits.size() == 6 ? parse_hex(digits) : std::nullopt;
  if (!value) return std::nullopt;
  return std::array<uint8_t, 3>{static_cast<uint8_t>(*value >> 16),
                                static_cast<uint8_t>(*value >> 8), static_cast<uint8_t>(*value)};
}

/// What viewers would be told; whatever is not understood there is left out.
std::vector<OmeZarrChannel> parse_channels(const Json& attributes) {
  std::vector<OmeZarrChannel> channels;
  const Json* const omero = find_member(attributes, "omero");
  const Json* const list = omero == nullptr ? nullptr : find_member(*omero, "channels");
  if (list == nullptr || !list->is_array()) return channels;
  for (const Json& item : *list) {
    OmeZarrChannel channel;
    const Json* const label = find_member(item, "label");
    if (label != nullptr && label->is_string())
      channel.label = printable(label->get<std::string>());
    if (const auto color = parse_color(item)) channel.color = *color;
    channels.push_back(std::move(channel));
  }
  return channels;
}

void require_version(const Node& node, const Json& image) {
  const Json* const version = find_member(image, "version");
  if (version == nullptr || node.version == OmeVersion::k05) return;
  if (*version != "0.4") refuse("OME-Zarr version", *version, "0.4 in Zarr 2, or 0.5 in Zarr 3");
}

OmeSource parse_image(const fs::path& folder, const Node& node, const Json& image) {
  require_version(node, image);
  OmeSource source;
  source.folder = folder;
  source.metadata.version = node.version;
  const Json* const name = find_member(image, "name");
  if (name != nullptr && name->is_string()) source.metadata.name = name->get<std::string>();
  source.metadata.axes = parse_axes(image);
  source.metadata.datasets = parse_datasets(image, source.metadata.axes.size());
  source.metadata.channels = parse_channels(node.attributes);
  for (const OmeDataset& dataset : source.metadata.datasets) {
    source.levels.push_back(folder / dataset.path);
  }
  return source;
}

/// Those of the images `count` that `read` can read, each with its number. Throws what the first of
/// them throws where it can read none.
template <typename Read>
std::vector<OmeSource> readable(size_t count, const Read& read) {
  std::vector<OmeSource> images;
  std::exception_ptr failure;
  for (size_t number = 0; number < count; ++number) {
    try {
      images.push_back(read(number));
      images.back().number = static_cast<int>(number);
    } catch (const DataError&) {
      if (failure == nullptr) failure = std::current_exception();
    }
  }
  if (images.empty()) std::rethrow_exception(failure);
  return images;
}

/// The images that a group's own list has.
std::vector<OmeSource> listed_images(const fs::path& folder, const Node& node) {
  const Json& images = member(node.attributes, "multiscales");
  if (!images.is_array() || images.empty() || images.size() > kMostImages) {
    refuse("multiscales", images, "a list of 1 to 64 images");
  }
  return readable(images.size(),
                  [&](size_t number) { return parse_image(folder, node, images[number]); });
}

OmeSource array_source(const fs::path& folder) {
  OmeSource source;
  source.folder = folder;
  source.is_array = true;
  source.levels = {folder};
  return source;
}

/// What is neither an image nor a folder of images.
[[noreturn]] void refuse_node(const Node& node) {
  if (find_member(node.attributes, "labels") != nullptr) {
    throw DataError("it is a list of labels, not an image: give the folder that it is in");
  }
  for (const char* kind : {"plate", "well"}) {
    if (find_member(node.attributes, kind) != nullptr) {
      throw DataError(
          fmt::format("it is a {} where an image is read: give one of its images", kind));
    }
  }
  const fs::path images = node.file.parent_path() / "images";
  std::error_code none;
  throw DataError(fmt::format("it is a group without multiscales, which an image has{}",
                              fs::is_directory(images, none)
                                  ? ": give one of its images, a folder in " + images.string()
                                  : ""));
}

/// The folders of images of bioformats2raw's layout: those that its group OME lists as its series,
/// else 0, 1, 2...
std::vector<std::string> series_of(const fs::path& folder) {
  const Node ome = read_node(folder / "OME");
  std::vector<std::string> names;
  if (const Json* const list = find_member(ome.attributes, "series"); list != nullptr) {
    naming(ome.file, [&] {
      const bool is_list = list->is_array() && !list->empty() && list->size() <= kMostImages;
      if (!is_list) refuse("series", *list, "a list of 1 to 64 names");
      for (const Json& item : *list) {
        if (!item.is_string() || !stays_inside(item.get<std::string>())) {
          refuse("series", *list, "a list of names inside of the folder");
        }
        names.push_back(item.get<std::string>());
      }
    });
    return names;
  }
  for (size_t number = 0; number < kMostImages; ++number) {
    if (number > 0 && !is_there(folder / std::to_string(number))) break;
    names.push_back(std::to_string(number));
  }
  return names;
}

/// The images of bioformats2raw's layout.
std::vector<OmeSource> images_of_series(const fs::path& folder) {
  const std::vector<std::string> names = series_of(folder);
  return readable(names.size(), [&](size_t number) {
    const fs::path image = folder / names[number];
    const Node node = read_node(image);
    return naming(node.file, [&] { return listed_images(image, node).front(); });
  });
}

}  // namespace

bool stays_inside(const std::string& name) {
  const fs::path path(name);
  if (name.empty() || path.is_absolute() || name.find('\\') != std::string::npos ||
      name.find('\0') != std::string::npos) {
    return false;
  }
  for (const fs::path& part : path) {
    if (part.empty() || part == "." || part == "..") return false;
  }
  return true;
}

std::vector<OmeSource> find_images(const fs::path& folder) {
  const Node node = read_node(folder);
  if (node.is_array) return {array_source(folder)};
  const Json* const layout = find_member(node.attributes, "bioformats2raw.layout");
  const bool is_image = find_member(node.attributes, "multiscales") != nullptr;
  if (layout != nullptr && !is_image) {
    if (*layout != 3) {
      naming(node.file, [&] { refuse("bioformats2raw.layout", *layout, "3"); });
    }
    return images_of_series(folder);
  }
  return naming(node.file, [&] {
    if (!is_image) refuse_node(node);
    return listed_images(folder, node);
  });
}

}  // namespace untiled
