// Descriptions that programs leave in TIFF files, and names of pictures beside a slide.
#include "data/slide/image_description.h"
#include "data/slide/length_unit.h"
#include "data/slide/openslide_advice.h"
#include "tests/fuzz/fuzz.h"

using namespace untiled;

UNTILED_FUZZ_TARGET({
  TiffDirectory directory;
  directory.description = as_text(bytes);
  directory.x_resolution = directory.y_resolution = 4;
  names_other_picture(as_text(bytes));
  described_scales(directory);
  is_aperio(directory);
  unit_um(std::string(as_text(bytes)));
  advice_for(as_text(bytes));
})
