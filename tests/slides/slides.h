// The slides that tests read: small ones, made by make_slides.py, and scanners' own in a folder
// beside the repository, which few machines have.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace untiled::testing {

inline std::filesystem::path small_slide(const std::string& name) {
  return std::filesystem::path(UNTILED_SOURCE_DIR) / "tests" / "slides" / name;
}

/// None where it is not there.
inline std::optional<std::filesystem::path> real_slide(const std::string& name) {
  auto path = std::filesystem::path(UNTILED_SHARED_DIR) / "slides" / name;
  if (!std::filesystem::exists(path)) return std::nullopt;
  return path;
}

/// A small slide and a real one like it, where that is there.
inline std::vector<std::filesystem::path> small_and_real(const std::string& small,
                                                         const std::string& real) {
  std::vector<std::filesystem::path> paths = {small_slide(small)};
  if (const auto path = real_slide(real)) paths.push_back(*path);
  return paths;
}

}  // namespace untiled::testing
