#include "lib/train/checkpoint_stains.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "lib/core/error.h"
#include "lib/filters/stain_file.h"

namespace untiled {
namespace {

constexpr const char* kMacenko = "macenko";

}  // namespace

nlohmann::ordered_json stains_to_json(const filters::Stains& reference) {
  return {{"method", kMacenko}, {"vectors", reference.vectors}, {"high", reference.high}};
}

filters::Stains stains_from_json(const nlohmann::json& json) {
  const auto method = json.at("method").get<std::string>();
  if (method != kMacenko) {
    throw DataError(
        fmt::format("its stain method is \"{}\", and this program knows {}", method, kMacenko));
  }
  filters::Stains stains{};
  json.at("vectors").get_to(stains.vectors);
  json.at("high").get_to(stains.high);
  if (!filters::are_sound(stains)) throw DataError("its stains are no two stains");
  return stains;
}

}  // namespace untiled
