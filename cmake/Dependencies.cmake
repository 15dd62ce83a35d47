# Third-party packages, each behind one imported target: for the build, and again for those who use
# the installed libraries (untiledConfig.cmake.in). scripts/setup.sh puts those that Debian does not
# have into UNTILED_DEPS; Torch_DIR, as LibTorch's own package defines it, names another LibTorch.

find_package(Threads REQUIRED)

if(Torch_DIR)
  get_filename_component(untiled_torch_root ${Torch_DIR}/../../.. ABSOLUTE)
else()
  set(untiled_torch_root ${UNTILED_DEPS}/torch)
endif()

find_package(yaml-cpp REQUIRED)
if(TARGET yaml-cpp::yaml-cpp)
  add_library(untiled_yaml ALIAS yaml-cpp::yaml-cpp)
else()
  add_library(untiled_yaml ALIAS yaml-cpp)
endif()

find_package(nlohmann_json REQUIRED)
add_library(untiled_json ALIAS nlohmann_json::nlohmann_json)

find_path(FAST_FLOAT_INCLUDE_DIR fast_float/fast_float.h REQUIRED)
add_library(untiled_fast_float INTERFACE IMPORTED)
target_include_directories(untiled_fast_float INTERFACE ${FAST_FLOAT_INCLUDE_DIR})

find_path(HWY_INCLUDE_DIR hwy/highway.h REQUIRED)
find_library(HWY_LIBRARY hwy REQUIRED)
add_library(untiled_highway INTERFACE IMPORTED)
target_include_directories(untiled_highway INTERFACE ${HWY_INCLUDE_DIR})
target_link_libraries(untiled_highway INTERFACE ${HWY_LIBRARY})

find_package(ZLIB REQUIRED)
find_path(ZSTD_INCLUDE_DIR zstd.h REQUIRED)
find_library(ZSTD_LIBRARY zstd REQUIRED)
add_library(untiled_zstd INTERFACE IMPORTED)
target_include_directories(untiled_zstd INTERFACE ${ZSTD_INCLUDE_DIR})
target_link_libraries(untiled_zstd INTERFACE ${ZSTD_LIBRARY})
find_path(BLOSC_INCLUDE_DIR blosc.h REQUIRED)
find_library(BLOSC_LIBRARY blosc REQUIRED)
add_library(untiled_blosc INTERFACE IMPORTED)
target_include_directories(untiled_blosc INTERFACE ${BLOSC_INCLUDE_DIR})
target_link_libraries(untiled_blosc INTERFACE ${BLOSC_LIBRARY})

if(UNTILED_TORCH)
  if(NOT EXISTS ${untiled_torch_root}/include/ATen/ATen.h)
    message(FATAL_ERROR "LibTorch is not in ${untiled_torch_root}: run scripts/setup.sh first, or "
      "name a folder that has it by UNTILED_DEPS or Torch_DIR")
  endif()
  file(STRINGS ${untiled_torch_root}/share/cmake/Torch/TorchConfigVersion.cmake
    untiled_torch_version REGEX "PACKAGE_VERSION \"[0-9.]+" LIMIT_COUNT 1)
  string(REGEX MATCH "[0-9.]+" untiled_torch_version "${untiled_torch_version}")
  add_library(untiled_torch INTERFACE IMPORTED)
  foreach(library torch_cpu c10)
    add_library(untiled_${library} SHARED IMPORTED)
    set_target_properties(untiled_${library} PROPERTIES IMPORTED_LOCATION
      ${untiled_torch_root}/lib/lib${library}${CMAKE_SHARED_LIBRARY_SUFFIX})
    target_link_libraries(untiled_torch INTERFACE untiled_${library})
  endforeach()
  target_include_directories(untiled_torch INTERFACE
    ${untiled_torch_root}/include ${untiled_torch_root}/include/torch/csrc/api/include)
  target_link_libraries(untiled_torch INTERFACE untiled::fmt Threads::Threads)
  if(NOT APPLE)
    # libtorch_cpu needs the CUDA runtime and CUPTI even without a GPU; it finds them by itself.
    target_link_options(untiled_torch INTERFACE
      -Wl,-rpath-link,${UNTILED_DEPS}/nvidia/cu13/lib)
  endif()
endif()

if(UNTILED_DATA)
  find_package(OpenCV REQUIRED COMPONENTS core imgproc imgcodecs)
  find_package(TIFF REQUIRED)
  find_package(PNG REQUIRED)
  find_package(JPEG REQUIRED)
  find_path(OPENJPEG_INCLUDE_DIR openjpeg.h PATH_SUFFIXES openjpeg-2.5 openjpeg-2.4 REQUIRED)
  find_library(OPENJPEG_LIBRARY openjp2 REQUIRED)
  add_library(untiled_openjpeg INTERFACE IMPORTED)
  target_include_directories(untiled_openjpeg INTERFACE ${OPENJPEG_INCLUDE_DIR})
  target_link_libraries(untiled_openjpeg INTERFACE ${OPENJPEG_LIBRARY})
  find_path(GEOS_INCLUDE_DIR geos_c.h REQUIRED)
  find_library(GEOS_LIBRARY geos_c REQUIRED)
  add_library(untiled_geos INTERFACE IMPORTED)
  target_include_directories(untiled_geos INTERFACE ${GEOS_INCLUDE_DIR})
  target_link_libraries(untiled_geos INTERFACE ${GEOS_LIBRARY})
  file(GLOB untiled_openslide_file ${UNTILED_DEPS}/openslide_bin/libopenslide.*)
  if(NOT untiled_openslide_file)
    find_library(OPENSLIDE_LIBRARY openslide REQUIRED)
    set(untiled_openslide_file ${OPENSLIDE_LIBRARY})
  endif()
  find_path(OPENSLIDE_INCLUDE_DIR openslide.h PATH_SUFFIXES openslide REQUIRED)
  add_library(untiled_openslide SHARED IMPORTED)
  set_target_properties(untiled_openslide PROPERTIES IMPORTED_LOCATION ${untiled_openslide_file})
  target_include_directories(untiled_openslide INTERFACE ${OPENSLIDE_INCLUDE_DIR})
endif()
