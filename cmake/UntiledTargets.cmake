# One library a folder and one test executable a folder, with the same warnings everywhere.
# Includes are written from the repository's root: #include "lib/core/region.h".

add_library(untiled_options INTERFACE)
target_include_directories(untiled_options INTERFACE
  $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}> $<INSTALL_INTERFACE:include/untiled>)
target_compile_features(untiled_options INTERFACE cxx_std_20)
# GCC 12 takes members that aggregates leave to their defaults for missing or uninitialised.
set(untiled_flags -Wall -Wextra -Wno-missing-field-initializers
  $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized> -Wshadow -Wnon-virtual-dtor)
if(UNTILED_WERROR)
  list(APPEND untiled_flags -Werror)
endif()
if(UNTILED_SANITIZER)
  list(APPEND untiled_flags -fsanitize=${UNTILED_SANITIZER} -fno-omit-frame-pointer)
  target_link_options(untiled_options INTERFACE -fsanitize=${UNTILED_SANITIZER})
endif()
# Who uses an installed library has flags of his own.
target_compile_options(untiled_options INTERFACE "$<BUILD_INTERFACE:${untiled_flags}>")
untiled_install_library(untiled_options)

# untiled_library(NAME SOURCES ... [PUBLIC targets...] [PRIVATE targets...] [NOT_INSTALLED])
# It is installed, with the headers beside its sources, unless only the program can use it.
function(untiled_library name)
  cmake_parse_arguments(ARG "NOT_INSTALLED" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC untiled_options ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
  if(NOT ARG_NOT_INSTALLED)
    untiled_install_library(${name} HEADERS_BESIDE ${ARG_SOURCES})
  endif()
endfunction()

# untiled_settings(NAME HEADERS ... [PUBLIC targets...])
# The options of a component: headers that need nothing of it, so that app/config can bind them to
# keys where the component itself is not built.
function(untiled_settings name)
  cmake_parse_arguments(ARG "" "" "HEADERS;PUBLIC" ${ARGN})
  add_library(${name} INTERFACE)
  target_link_libraries(${name} INTERFACE untiled_options ${ARG_PUBLIC})
  untiled_install_library(${name} HEADERS ${ARG_HEADERS})
endfunction()

# untiled_test(NAME SOURCES ... LINK targets... [LABELS ...] [TIMEOUT seconds])
# Each test case becomes a ctest test. One that cannot run here prints "SKIPPED: why" (see
# tests/catch.h) and is counted as skipped.
function(untiled_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LINK;LABELS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} untiled_test_main)
  target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O1>)  # They compile sooner.
  catch_discover_tests(${name} TEST_PREFIX "${name}: " WORKING_DIRECTORY ${CMAKE_BINARY_DIR}
    PROPERTIES LABELS ${ARG_LABELS} TIMEOUT ${ARG_TIMEOUT} SKIP_REGULAR_EXPRESSION "SKIPPED: ")
endfunction()

# untiled_python_test(NAME script.py [ARGS ...] [LABELS ...] [TIMEOUT seconds])
# A check by readers that are not ours, run with the interpreter of scripts/setup.sh's oracle
# environment. Exit 77 or a missing interpreter counts as skipped.
function(untiled_python_test name script)
  cmake_parse_arguments(ARG "" "TIMEOUT" "ARGS;LABELS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 600)
  endif()
  add_test(NAME "${name}" COMMAND ${CMAKE_SOURCE_DIR}/tests/run_python.sh
    ${UNTILED_DEPS}/oracle/bin/python ${CMAKE_CURRENT_SOURCE_DIR}/${script}
    --untiled ${CMAKE_BINARY_DIR}/bin/untiled ${ARG_ARGS})
  set_tests_properties("${name}" PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT}
    SKIP_RETURN_CODE 77)
endfunction()
