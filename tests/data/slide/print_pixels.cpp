// print_pixels SLIDE: level 0 as raw RGB on standard output, for readers that judge ours.
#include <cstdio>
#include <exception>

#include "data/slide/reader.h"

int main(int count, char** arguments) {
  if (count != 2) return 2;
  try {
    const auto reader = untiled::open_slide(arguments[1]);
    const auto block = reader->read(0, untiled::whole(reader->info().levels[0].extent));
    return std::fwrite(block.bytes.data(), 1, block.bytes.size(), stdout) == block.bytes.size() ? 0
                                                                                                : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 3;
  }
}
