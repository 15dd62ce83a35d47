// Gives each file of a folder to one of the fuzz targets: fuzz_replay TARGET FOLDER.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#define UNTILED_TARGET(name) extern "C" int fuzz_##name(const uint8_t* data, size_t size);
#include "fuzz_targets.inc"
#undef UNTILED_TARGET

namespace {

using Target = int (*)(const uint8_t* data, size_t size);

#define UNTILED_TARGET(name) {#name, fuzz_##name},
const std::map<std::string, Target> kTargets = {
#include "fuzz_targets.inc"
};
#undef UNTILED_TARGET

std::vector<uint8_t> bytes_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Every beginning of a short file, and a hundred of a long one.
void read_cut(Target target, const std::vector<uint8_t>& bytes) {
  constexpr size_t kCuts = 100;
  const size_t step = std::max<size_t>(1, bytes.size() / kCuts);
  for (size_t size = 0; size < bytes.size(); size += step) target(bytes.data(), size);
}

}  // namespace

int main(int count, char** words) {
  const auto target = count == 3 ? kTargets.find(words[1]) : kTargets.end();
  if (target == kTargets.end()) {
    std::fprintf(stderr, "fuzz_replay TARGET FOLDER\n");
    return 2;
  }
  if (!std::filesystem::is_directory(words[2])) {
    std::printf("SKIPPED: there is no corpus in %s\n", words[2]);
    return 77;
  }
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(words[2])) {
    const std::vector<uint8_t> bytes = bytes_of(entry.path());
    target->second(bytes.data(), bytes.size());
    read_cut(target->second, bytes);
    ++files;
  }
  std::printf("%d files\n", files);
  return files > 0 ? 0 : 1;
}
