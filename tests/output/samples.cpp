// Writes files of every kind into the folder that is given, for check_formats.py.
#include <filesystem>

#include "tests/output/patterns.h"

int main(int argc, char** argv) {
  using namespace untiled;  // NOLINT(google-build-using-namespace): a main of a few lines.
  if (argc != 2) return 2;
  const std::filesystem::path folder = argv[1];
  const OutputScale scale = {0.499, 0.25};
  write_mask_pattern(folder / "binary.png",
                     {{301, 407}, 4, OutputScale{8.0, 8.0}, Origin::kQuPath, {{"tissue", 1}}});
  write_mask_pattern(
      folder / "classes.png",
      {{301, 407}, 1, {}, Origin::kOpenSlide, {{"glass", 0}, {"tumour", 7}, {"Strom\xC3\xA4", 2}}});
  write_pattern(folder / "bytes.tif", {{2967, 2220}, 1, SampleType::kUint8, scale});
  write_pattern(folder / "floats.tif", {{1037, 611}, 1, SampleType::kFloat32, scale});
  write_pattern(folder / "three.tif", {{700, 900}, 3, SampleType::kUint8, {}});
  write_pattern(folder / "three_floats.tif", {{513, 40}, 3, SampleType::kFloat32, {}});
  write_pattern(folder / "pixel.tif", {{1, 1}, 1, SampleType::kUint8, {}});
  write_pattern(folder / "line.tif", {{3, 5000}, 1, SampleType::kUint8, scale});
}
