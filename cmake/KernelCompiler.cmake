# Which compiler makes the row kernels. GCC spills what Clang keeps in registers: the same source runs
# up to twice as fast, with the same bits. So a release has that one file from a Clang beside GCC.

set(UNTILED_KERNEL_COMPILER auto CACHE STRING
  "Compiler of a release's row kernels: auto (a clang++ beside GCC), another's path, or OFF")

# The compiler to be tried, or nothing where the build's own is meant.
function(untiled_kernel_compiler result)
  set(${result} "" PARENT_SCOPE)
  if(NOT CMAKE_BUILD_TYPE STREQUAL Release OR UNTILED_SANITIZER OR CMAKE_CROSSCOMPILING)
    return()
  endif()
  if(NOT UNTILED_KERNEL_COMPILER STREQUAL auto)
    if(UNTILED_KERNEL_COMPILER)
      set(${result} ${UNTILED_KERNEL_COMPILER} PARENT_SCOPE)
    endif()
  elseif(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    find_program(UNTILED_CLANG NAMES clang++-20 clang++-19 clang++-18 clang++-17 clang++-16
      clang++-15 clang++-14 clang++)
    mark_as_advanced(UNTILED_CLANG)
    if(UNTILED_CLANG)
      set(${result} ${UNTILED_CLANG} PARENT_SCOPE)
    endif()
  endif()
endfunction()

# What the build's compiler is told, and what the interface targets ask for.
function(untiled_kernel_flags result)
  separate_arguments(flags UNIX_COMMAND "${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_RELEASE}")
  list(APPEND flags ${CMAKE_CXX20_STANDARD_COMPILE_OPTION} -fPIC -fno-lto -Wall -Wextra
    -Wno-missing-field-initializers -I${CMAKE_SOURCE_DIR})
  foreach(target IN LISTS ARGN)
    get_target_property(folders ${target} INTERFACE_INCLUDE_DIRECTORIES)
    get_target_property(definitions ${target} INTERFACE_COMPILE_DEFINITIONS)
    # Named again they would be out of their order.
    list(REMOVE_ITEM folders ${CMAKE_CXX_IMPLICIT_INCLUDE_DIRECTORIES})
    list(TRANSFORM folders PREPEND -isystem)
    list(APPEND flags ${folders})
    if(definitions)
      list(TRANSFORM definitions PREPEND -D)
      list(APPEND flags ${definitions})
    endif()
  endforeach()
  set(${result} ${flags} PARENT_SCOPE)
endfunction()

# Whether a compiler takes the source; asked once for each compiler and its flags.
function(untiled_kernel_compiles result compiler source)
  if(NOT UNTILED_KERNEL_ASKED STREQUAL "${compiler} ${ARGN}")
    execute_process(COMMAND ${compiler} ${ARGN} -fsyntax-only ${source}
      RESULT_VARIABLE code OUTPUT_QUIET ERROR_VARIABLE answer)
    set(UNTILED_KERNEL_ASKED "${compiler} ${ARGN}" CACHE INTERNAL "")
    set(UNTILED_KERNEL_CODE "${code}" CACHE INTERNAL "")
    set(UNTILED_KERNEL_ANSWER "${answer}" CACHE INTERNAL "")
  endif()
  if(UNTILED_KERNEL_CODE STREQUAL 0)
    set(${result} YES PARENT_SCOPE)
  elseif(UNTILED_KERNEL_COMPILER STREQUAL auto)
    set(${result} NO PARENT_SCOPE)
    message(STATUS "${compiler} cannot compile the row kernels: ${CMAKE_CXX_COMPILER} does")
  else()
    message(FATAL_ERROR "UNTILED_KERNEL_COMPILER: ${compiler} cannot compile ${source} "
      "(${UNTILED_KERNEL_CODE}); name another, auto or OFF\n${UNTILED_KERNEL_ANSWER}")
  endif()
endfunction()

# untiled_kernel_source(RESULT source.cpp flags LINK interface targets...)
# RESULT is what a library is to list as its source: an object that the compiler chosen makes of it,
# else the source itself. The flags are given to any compiler.
function(untiled_kernel_source result source)
  cmake_parse_arguments(ARG "" "" "FLAGS;LINK" ${ARGN})
  set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS "${ARG_FLAGS}")
  set(${result} ${source} PARENT_SCOPE)
  untiled_kernel_compiler(compiler)
  if(NOT compiler)
    return()
  endif()
  set(path ${CMAKE_CURRENT_SOURCE_DIR}/${source})
  untiled_kernel_flags(flags ${ARG_LINK})
  list(APPEND flags ${ARG_FLAGS})
  untiled_kernel_compiles(compiles ${compiler} ${path} ${flags})
  if(NOT compiles)
    return()
  endif()
  message(STATUS "Row kernels are compiled by ${compiler}")
  set(object ${CMAKE_CURRENT_BINARY_DIR}/${source}.o)
  add_custom_command(OUTPUT ${object} DEPENDS ${path} DEPFILE ${object}.d
    COMMAND ${CMAKE_CXX_COMPILER_LAUNCHER} ${compiler} ${flags} -MD -MF ${object}.d -MT ${object}
      -o ${object} -c ${path}
    COMMENT "Building the row kernels with ${compiler}" VERBATIM)
  # Never built, but a line of compile_commands.json, which clang-tidy reads.
  add_library(untiled_row_kernels OBJECT EXCLUDE_FROM_ALL ${source})
  target_link_libraries(untiled_row_kernels PRIVATE untiled_options ${ARG_LINK})
  set(${result} ${object} PARENT_SCOPE)
endfunction()
