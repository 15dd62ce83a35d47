// Which instruction sets a file is compiled for that Highway includes once for each: included
// before hwy/foreach_target.h.
#pragma once

#define HWY_COMPILE_ALL_ATTAINABLE
/// Without vectors one element at a time: else bits depend on the compiler, of which some have
/// faults.
#define HWY_BROKEN_EMU128 1
/// Those left out gain little, or have vectors of a size that is not known before they run.
#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
