// Manifests, as spreadsheets save them.
#include "data/cohort/manifest.h"

#include "tests/fuzz/fuzz.h"

using namespace untiled;

UNTILED_FUZZ_TARGET({ read_manifest(as_file(bytes, ".csv"), MissingSlides::kKeep); })
