// Elements of DICOM files.
#include "data/slide/dicom_file.h"
#include "data/slide/file_kind.h"
#include "tests/fuzz/fuzz.h"

using namespace untiled;

UNTILED_FUZZ_TARGET({
  const auto path = as_file(bytes, ".dcm");
  dicom_series(path);
  refusing([&] { read_dicom_facts(path); });
  refusing([&] { require_sound_series(path, {path}); });
  dicom_colors(path, {path});
})
