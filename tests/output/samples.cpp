// Writes files of every kind into the folder that is given, for check_formats.py.
#include <filesystem>

#include "tests/output/patterns.h"

int main(int argc, char** argv) {
  using namespace untiled;  // NOLINT(google-build-using-namespace): a main of a few lines.
  if (argc != 2) return 2;
  const std::filesystem::path folder = argv[1];
  const OutputScale scale = {0.499, 0.25};
  const MaskFacts full{.extent = {301, 407}, .scale = OutputScale{2.0, 2.0}};
  write_mask_pattern(folder / "binary.png", reduced(full, 4));
  MaskFacts classes{.extent = {301, 407}, .origin = Origin::kOpenSlide};
  classes.classes = {{"glass", 0}, {"tumour", 7}, {"Strom\xC3\xA4", 2}};
  write_mask_pattern(folder / "classes.png", classes);
  std::set<OutputFormat> all(all_output_formats().begin(), all_output_formats().end());
  all.erase(OutputFormat::kOmeZarr04);  // Its folder has the name of the other version's.
  MaskFacts tissue{.extent = {700, 2900}, .scale = OutputScale{2.0, 4.0}};
  tissue.downsample_x = 4;
  tissue.downsample_y = 8;
  write_mask_files(folder, all, tissue, "tissue");
  MaskFacts named{.extent = {700, 900}, .origin = Origin::kOpenSlide};
  named.classes = {{"background", 0}, {"tumour & <co>", 7, {200, 0, 0}}, {"Strom\xC3\xA4", 2}};
  write_mask_files(folder, all, named, "classes");
  write_mask_files(folder, {OutputFormat::kOmeZarr04}, named, "v04");
  write_pattern(folder / "bytes.tif", {{2967, 2220}, 1, SampleType::kUint8, scale});
  write_pattern(folder / "floats.tif", {{1037, 611}, 1, SampleType::kFloat32, scale});
  write_pattern(folder / "three.tif", {{700, 900}, 3, SampleType::kUint8, {}});
  write_pattern(folder / "three_floats.tif", {{513, 40}, 3, SampleType::kFloat32, {}});
  write_pattern(folder / "pixel.tif", {{1, 1}, 1, SampleType::kUint8, {}});
  write_pattern(folder / "line.tif", {{3, 5000}, 1, SampleType::kUint8, scale});
}
