# What UNTILED_FUZZ adds to every target's flags, where the compiler has what it takes: libFuzzer and
# the sanitizers come with Clang's runtime, which Debian has apart (libclang-rt-19-dev of clang-19).
include(CheckCXXSourceCompiles)

set(fuzz_flags
  "-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -fno-sanitize=vptr")
set(CMAKE_REQUIRED_FLAGS "${fuzz_flags} -fsanitize=fuzzer")
check_cxx_source_compiles("
  extern \"C\" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }"
  UNTILED_HAS_LIBFUZZER)
unset(CMAKE_REQUIRED_FLAGS)
if(NOT UNTILED_HAS_LIBFUZZER)
  message(FATAL_ERROR "UNTILED_FUZZ: ${CMAKE_CXX_COMPILER} links no libFuzzer; name another clang++ "
    "by CMAKE_CXX_COMPILER, or install this one's runtime (libclang-rt-*-dev, compiler-rt)")
endif()
string(APPEND CMAKE_CXX_FLAGS "${fuzz_flags}")
