# cmake -DSOURCE=... -DHEADER=... -P GitState.cmake: writes the commit that SOURCE is at, and whether
# it was changed since; "unknown" outside of a clone. The file is touched only when that changes.
cmake_minimum_required(VERSION 3.25)
set(state unknown)
find_program(GIT git)
if(GIT)
  execute_process(COMMAND ${GIT} -C ${SOURCE} rev-parse --show-toplevel
    OUTPUT_VARIABLE top OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  execute_process(COMMAND ${GIT} --no-optional-locks -C ${SOURCE} describe --always --dirty --abbrev=12
    OUTPUT_VARIABLE described OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
  get_filename_component(source "${SOURCE}" REALPATH)
  if(NOT failed AND top STREQUAL source)
    set(state ${described})
  endif()
endif()
file(CONFIGURE OUTPUT ${HEADER} @ONLY CONTENT "// Made by cmake/GitState.cmake.
#pragma once

inline constexpr const char* kGitState = \"@state@\";
")
