# Third-party packages, each behind one imported target. scripts/setup.sh puts those that Debian
# does not have into UNTILED_DEPS.

find_package(Threads REQUIRED)

# fmt is header-only everywhere, and everywhere the one that LibTorch ships: its headers win over a
# system's. The link shows that folder alone, so that nothing else of LibTorch's is seen.
set(fmt_headers ${UNTILED_DEPS}/torch/include/fmt)
if(NOT EXISTS ${fmt_headers}/format.h)
  message(FATAL_ERROR "fmt is not in ${fmt_headers}: run scripts/setup.sh first")
endif()
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/include)
file(CREATE_LINK ${fmt_headers} ${CMAKE_BINARY_DIR}/include/fmt SYMBOLIC)
add_library(untiled_fmt INTERFACE)
target_include_directories(untiled_fmt SYSTEM INTERFACE ${CMAKE_BINARY_DIR}/include)
target_compile_definitions(untiled_fmt INTERFACE FMT_HEADER_ONLY)

find_package(yaml-cpp REQUIRED)
if(TARGET yaml-cpp::yaml-cpp)
  add_library(untiled_yaml ALIAS yaml-cpp::yaml-cpp)
else()
  add_library(untiled_yaml ALIAS yaml-cpp)
endif()

find_package(CLI11 REQUIRED)
add_library(untiled_cli ALIAS CLI11::CLI11)
find_package(nlohmann_json REQUIRED)
add_library(untiled_json ALIAS nlohmann_json::nlohmann_json)

find_path(HWY_INCLUDE_DIR hwy/highway.h REQUIRED)
find_library(HWY_LIBRARY hwy REQUIRED)
add_library(untiled_highway INTERFACE)
target_include_directories(untiled_highway SYSTEM INTERFACE ${HWY_INCLUDE_DIR})
target_link_libraries(untiled_highway INTERFACE ${HWY_LIBRARY})

if(UNTILED_TORCH)
  set(torch_root ${UNTILED_DEPS}/torch)
  if(NOT EXISTS ${torch_root}/include/ATen/ATen.h)
    message(FATAL_ERROR "LibTorch is not in ${torch_root}: run scripts/setup.sh first")
  endif()
  add_library(untiled_torch INTERFACE)
  target_include_directories(untiled_torch SYSTEM INTERFACE
    ${torch_root}/include ${torch_root}/include/torch/csrc/api/include)
  if(APPLE)
    set(torch_ext dylib)
  else()
    set(torch_ext so)
  endif()
  target_link_libraries(untiled_torch INTERFACE
    ${torch_root}/lib/libtorch_cpu.${torch_ext} ${torch_root}/lib/libc10.${torch_ext}
    untiled_fmt Threads::Threads)
  target_link_options(untiled_torch INTERFACE -Wl,-rpath,${torch_root}/lib)
  if(NOT APPLE)
    # libtorch_cpu needs the CUDA runtime and CUPTI even without a GPU.
    target_link_options(untiled_torch INTERFACE
      -Wl,-rpath,${UNTILED_DEPS}/nvidia/cu13/lib -Wl,-rpath-link,${UNTILED_DEPS}/nvidia/cu13/lib)
  endif()
endif()

if(UNTILED_DATA)
  find_package(OpenCV REQUIRED COMPONENTS core imgproc imgcodecs)
  find_package(TIFF REQUIRED)
  find_package(PNG REQUIRED)
  find_package(JPEG REQUIRED)
  find_package(ZLIB REQUIRED)
  find_path(GEOS_INCLUDE_DIR geos_c.h REQUIRED)
  find_library(GEOS_LIBRARY geos_c REQUIRED)
  add_library(untiled_geos INTERFACE)
  target_include_directories(untiled_geos SYSTEM INTERFACE ${GEOS_INCLUDE_DIR})
  target_link_libraries(untiled_geos INTERFACE ${GEOS_LIBRARY})
  file(GLOB openslide_library ${UNTILED_DEPS}/openslide_bin/libopenslide.*)
  find_path(OPENSLIDE_INCLUDE_DIR openslide.h PATH_SUFFIXES openslide REQUIRED)
  add_library(untiled_openslide INTERFACE)
  target_include_directories(untiled_openslide SYSTEM INTERFACE ${OPENSLIDE_INCLUDE_DIR})
  if(openslide_library)
    target_link_libraries(untiled_openslide INTERFACE ${openslide_library})
    target_link_options(untiled_openslide INTERFACE -Wl,-rpath,${UNTILED_DEPS}/openslide_bin)
  else()
    find_library(OPENSLIDE_LIBRARY openslide REQUIRED)
    target_link_libraries(untiled_openslide INTERFACE ${OPENSLIDE_LIBRARY})
  endif()
endif()
