// JSON of files that nobody vouches for: bounded before it is parsed, and asked for by type.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace untiled {

/// Bytes and depth that text may have.
inline constexpr size_t kMostJsonBytes = size_t{16} << 20;
inline constexpr int kMostJsonDepth = 64;

/// All of these throw DataError with the reason, which names no file but what was found.
nlohmann::json parse_json(std::string_view text);

/// A value as messages show it: at most some sixty characters.
std::string shown(const nlohmann::json& value);
[[noreturn]] void refuse(std::string_view what, const nlohmann::json& found,
                         std::string_view expected);

/// A member of what must be an object.
const nlohmann::json& member(const nlohmann::json& object, const char* key);
/// The same, or null where it is not there.
const nlohmann::json* find_member(const nlohmann::json& object, const char* key);

std::string text_member(const nlohmann::json& object, const char* key);
/// A list of `least_count` to `most_count` integers from `least` to `most`.
std::vector<int64_t> integers(std::string_view what, const nlohmann::json& list, int64_t least,
                              int64_t most, size_t least_count, size_t most_count);
/// A list of finite numbers.
std::vector<double> numbers(std::string_view what, const nlohmann::json& list);

}  // namespace untiled
