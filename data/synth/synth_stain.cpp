#include "data/synth/synth_stain.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lib/core/error.h"

namespace untiled {
namespace {

using NamedStain = std::pair<std::string, SynthStain>;

const std::vector<NamedStain>& stains() {
  static const std::vector<NamedStain> all = {
      {"usual", {}},
      {"blue", {{0.83, 0.61, 0.15}, {0.31, 0.86, 0.34}}},
      {"red", {{0.47, 0.79, 0.38}, {0.04, 0.93, 0.72}}},
      {"pale", {{0.33, 0.38, 0.15}, {0.06, 0.50, 0.16}}},
  };
  return all;
}

}  // namespace

const std::vector<std::string>& synth_stain_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    for (const NamedStain& stain : stains()) list.push_back(stain.first);
    return list;
  }();
  return names;
}

SynthStain synth_stain(const std::string& name) {
  const auto found = std::find_if(stains().begin(), stains().end(),
                                  [&](const NamedStain& stain) { return stain.first == name; });
  if (found == stains().end()) {
    throw ConfigError(fmt::format("--stain: {} is none of the stains", name));
  }
  return found->second;
}

}  // namespace untiled
