// How drawn tissue is stained.
#pragma once

#include <array>
#include <string>
#include <vector>

namespace untiled {

/// Optical densities that unit amounts of the two stains have in red, green and blue.
struct SynthStain {
  std::array<double, 3> haematoxylin = {0.644211, 0.716556, 0.266844};
  std::array<double, 3> eosin = {0.092789, 0.954111, 0.283111};
};

/// "usual" (the default: Ruifrok and Johnston 2001), "blue", "red" and "pale", as other
/// laboratories and scanners have them.
const std::vector<std::string>& synth_stain_names();
/// Throws ConfigError for an unknown name.
SynthStain synth_stain(const std::string& name);

}  // namespace untiled
