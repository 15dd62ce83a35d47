// All that a training run is at the end of a step, in one file: `checkpoints/last.state`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lib/train/resume_rules.h"
#include "lib/train/safetensors.h"

namespace untiled {

/// The weights that validated best so far.
struct BestWeights {
  NamedTensors parameters;
  int64_t step = 0;
  double dice = 0.0;  ///< Mean over slides and classes; NaN where undefined.
  double loss = 0.0;

  /// Higher Dice first; where it is undefined, lower loss.
  bool beaten_by(double other_dice, double other_loss) const;
};

/// Random numbers need no state of their own: they are functions of seed and step.
struct TrainingState {
  int64_t step = 0;  ///< Updates made.
  uint64_t seed = 0;
  NamedTensors parameters;
  NamedTensors optimizer;  ///< What Optimizer::state gave.
  std::optional<BestWeights> best;
  double last_dice = 0.0;                     ///< Of the last validation; NaN where there was none.
  std::map<std::string, int64_t> file_bytes;  ///< Size of each log when the step ended.
  SettingsMap settings;                       ///< Those that the run was started or resumed with.
  std::map<std::string, std::string> fingerprints;  ///< Of its slides, by name.
  /// Its slides in their order, see contents_of; empty in states of builds that kept none.
  std::vector<std::string> slides;
};

/// Bit-exact, with a check sum (XXH3); the file appears whole or not at all. Throws DataError.
void save_state(const std::filesystem::path& path, const TrainingState& state);

/// Throws DataError naming the file when it is not such a state or its check sum is another. States
/// of builds that wrote none ("untiled state 1") are read without.
TrainingState load_state(const std::filesystem::path& path);

}  // namespace untiled
