# The release archive of a Debian machine: `cpack -G TGZ` in the build's folder, or scripts/package.sh.
# It has the component program, and what bundle.cmake adds for a machine without this build.

find_program(UNTILED_DPKG_QUERY dpkg-query)
mark_as_advanced(UNTILED_DPKG_QUERY)
if(NOT UNTILED_DPKG_QUERY OR NOT UNTILED_TORCH OR NOT UNTILED_DATA OR UNTILED_SANITIZER)
  return()
endif()
cmake_host_system_information(RESULT untiled_system QUERY DISTRIB_INFO)
configure_file(cmake/bundle.cmake.in package/bundle.cmake @ONLY)
install(SCRIPT ${CMAKE_BINARY_DIR}/package/bundle.cmake COMPONENT bundle EXCLUDE_FROM_ALL)

set(CPACK_GENERATOR TGZ)
set(CPACK_PACKAGE_NAME untiled)
set(CPACK_PACKAGE_FILE_NAME untiled-${PROJECT_VERSION}-${untiled_system_ID}${untiled_system_VERSION_ID}-${CMAKE_SYSTEM_PROCESSOR})
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_BINARY_DIR}/package)
set(CPACK_PACKAGE_CHECKSUM SHA256)
set(CPACK_STRIP_FILES ON)
set(CPACK_VERBATIM_VARIABLES ON)
# In this order and into one folder.
set(CPACK_INSTALL_CMAKE_PROJECTS
  ${CMAKE_BINARY_DIR} untiled program / ${CMAKE_BINARY_DIR} untiled bundle /)
include(CPack)
