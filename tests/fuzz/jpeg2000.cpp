// JPEG 2000 codestreams, raw and in JP2 files.
#include "data/slide/jpeg2000_codestream.h"
#include "tests/fuzz/fuzz.h"

using namespace untiled;

UNTILED_FUZZ_TARGET({
  is_jp2(bytes);
  read_jpeg2000_codestream(bytes);
})
