# What `cmake --install` puts into a prefix: the program with what it reads (component program), and
# the libraries with their headers and a CMake package, untiled (component development).

# An installed program looks for libraries in ../lib/untiled, where a release archive has LibTorch and
# OpenSlide, and then where this build found them. So the prefix may be moved, UNTILED_DEPS may not.
if(APPLE)
  set(CMAKE_INSTALL_RPATH @loader_path/../lib/untiled)
else()
  set(CMAKE_INSTALL_RPATH $ORIGIN/../lib/untiled)
endif()
set(CMAKE_INSTALL_RPATH_USE_LINK_PATH ON)

# CMake leaves out of these the folders that lie in the clone, as UNTILED_DEPS does unless it is set.
# Called once they are known, before the first target.
macro(untiled_find_installed_libraries)
  foreach(library IN ITEMS ${untiled_openslide_file} ${untiled_torch_root}/lib/.)
    get_filename_component(folder ${library} DIRECTORY)
    list(APPEND CMAKE_INSTALL_RPATH ${folder})
  endforeach()
endmacro()

# untiled_install_library(NAME [HEADERS_BESIDE sources...] [HEADERS headers...])
# As untiled::<name without untiled_>, which it is called in the build too; with `headers` and those
# that lie in its sources' folders, but for those that Highway compiles several times.
function(untiled_install_library name)
  cmake_parse_arguments(ARG "" "" "HEADERS;HEADERS_BESIDE" ${ARGN})
  string(REGEX REPLACE "^untiled_" "" short ${name})
  add_library(untiled::${short} ALIAS ${name})
  set_target_properties(${name} PROPERTIES EXPORT_NAME ${short})
  set(folders "")
  foreach(source IN LISTS ARG_HEADERS_BESIDE)
    get_filename_component(path ${source} ABSOLUTE)
    get_filename_component(folder ${path} DIRECTORY)
    list(APPEND folders ${folder}/*.h)
  endforeach()
  list(REMOVE_DUPLICATES folders)
  set(headers "")
  if(folders)
    file(GLOB headers CONFIGURE_DEPENDS ${folders})
  endif()
  list(FILTER headers EXCLUDE REGEX "-inl\\.h$")
  list(APPEND headers ${ARG_HEADERS})
  target_sources(${name} INTERFACE FILE_SET HEADERS BASE_DIRS ${CMAKE_SOURCE_DIR} FILES ${headers})
  install(TARGETS ${name} EXPORT untiledTargets
    ARCHIVE DESTINATION lib COMPONENT development
    FILE_SET HEADERS DESTINATION include/untiled COMPONENT development)
endfunction()

# The CMake package, and what the program's users read. Called once, after all targets are there.
function(untiled_install_package)
  include(CMakePackageConfigHelpers)
  set(folder lib/cmake/untiled)
  set(made ${CMAKE_BINARY_DIR}/package)
  configure_package_config_file(${CMAKE_SOURCE_DIR}/cmake/untiledConfig.cmake.in
    ${made}/untiledConfig.cmake INSTALL_DESTINATION ${folder} NO_SET_AND_CHECK_MACRO)
  write_basic_package_version_file(${made}/untiledConfigVersion.cmake
    COMPATIBILITY SameMinorVersion)
  install(FILES ${made}/untiledConfig.cmake ${made}/untiledConfigVersion.cmake
    ${CMAKE_SOURCE_DIR}/cmake/Dependencies.cmake DESTINATION ${folder} COMPONENT development)
  install(EXPORT untiledTargets NAMESPACE untiled:: DESTINATION ${folder} COMPONENT development)

  install(DIRECTORY configs DESTINATION share/untiled COMPONENT program)
  install(DIRECTORY docs DESTINATION share/doc/untiled COMPONENT program)
  install(FILES README.md CHANGELOG.md LICENSE DESTINATION share/doc/untiled COMPONENT program)
  install(PROGRAMS scripts/load_checkpoint.py DESTINATION share/untiled/scripts COMPONENT program)
  install(FILES scripts/import_masks.groovy DESTINATION share/untiled/scripts COMPONENT program)
  install(DIRECTORY scripts/slurm DESTINATION share/untiled/scripts COMPONENT program
    USE_SOURCE_PERMISSIONS)
endfunction()
