// What plan says of a step over ranks by the model of lib/plan/rank_model.h.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace untiled {

/// Of a RankTime as JSON.
void print_predicted(const nlohmann::ordered_json& predicted);

}  // namespace untiled
