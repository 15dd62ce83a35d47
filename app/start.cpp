// What people start: it does without LibTorch, which takes half a second of a core and 100 MB to
// load, whatever it is then used for. What needs it is another program beside this one.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "app/commands/bench_tiles.h"
#include "app/program.h"
#include "lib/core/platform.h"
#include "lib/core/progress.h"

namespace {

constexpr int kInternalError = 1;
constexpr const char* kNetworks = "untiled-networks";

/// Becomes the program that has every verb; comes back only if that is not there.
int become_networks(char** argv) {
  const auto program = untiled::own_program().parent_path() / kNetworks;
  ::execv(program.c_str(), argv);
  untiled::print_error(fmt::format("{} cannot be started: {}; build or install it beside untiled",
                                   program.string(), std::strerror(errno)));
  return kInternalError;
}

}  // namespace

int main(int argc, char** argv) {
  const auto is_word = [&](int place, std::string_view word) {
    return argc > place && argv[place] == word;
  };
  const bool does_without = is_word(1, "tile") || (is_word(1, "bench") && is_word(2, "tiles"));
  if (!does_without) return become_networks(argv);
  return untiled::run_program(argc, argv,
                              {untiled::tile_command(), untiled::bench_tiles_command()});
}
