#include "lib/core/left_overs.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <vector>

#include "lib/core/number.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;

/// Takes ".<digits>" from the end of `text`.
std::optional<int> take_number(std::string& text) {
  const size_t dot = text.rfind('.');
  if (dot == std::string::npos || dot + 1 == text.size()) return std::nullopt;
  const std::string digits = text.substr(dot + 1);
  const bool all_digits =
      std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!all_digits) return std::nullopt;
  text.resize(dot);
  return parse_number<int>(digits);
}

}  // namespace

std::optional<LeftOver> left_over(const std::string& file_name) {
  constexpr std::string_view kEnding = ".part";
  if (!file_name.ends_with(kEnding)) return std::nullopt;
  std::string name = file_name.substr(0, file_name.size() - kEnding.size());
  if (!take_number(name)) return std::nullopt;
  const auto process = take_number(name);
  if (!process || name.empty()) return std::nullopt;
  return LeftOver{std::move(name), *process};
}

bool is_gone(int process) {
  return process <= 0 || process == ::getpid() || (::kill(process, 0) != 0 && errno == ESRCH);
}

void remove_left_overs(const fs::path& folder,
                       const std::function<bool(const LeftOver&)>& is_ours) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const auto left = left_over(it->path().filename().string());
    if (left && is_ours(*left)) found.push_back(it->path());
  }
  for (const fs::path& one : found) fs::remove_all(one, error);
}

}  // namespace untiled
