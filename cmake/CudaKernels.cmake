# CUDA kernels as PTX in the program, for the driver of whatever machine it runs on to compile.

set(UNTILED_CUDA auto CACHE STRING
  "CUDA kernels of the filters: auto (where nvcc is and works), ON (or fail) or OFF")

# The oldest devices that CUDA 13 knows; drivers compile it for all newer ones.
set(untiled_ptx_flags -ptx -std=c++20 -arch=compute_75 -I${CMAKE_SOURCE_DIR})

# nvcc, or nothing where there is none that compiles `source`; asked once for each.
function(untiled_find_nvcc result source)
  set(${result} "" PARENT_SCOPE)
  if(NOT UNTILED_CUDA)
    return()
  endif()
  find_program(UNTILED_NVCC nvcc HINTS $ENV{CUDA_HOME}/bin $ENV{CUDA_PATH}/bin /usr/local/cuda/bin)
  mark_as_advanced(UNTILED_NVCC)
  set(answer "there is no nvcc")
  if(UNTILED_NVCC)
    if(NOT UNTILED_NVCC_ASKED STREQUAL "${UNTILED_NVCC} ${untiled_ptx_flags}")
      execute_process(COMMAND ${UNTILED_NVCC} ${untiled_ptx_flags} -o ${CMAKE_BINARY_DIR}/asked.ptx
        ${source} RESULT_VARIABLE code OUTPUT_QUIET ERROR_VARIABLE said)
      set(UNTILED_NVCC_ASKED "${UNTILED_NVCC} ${untiled_ptx_flags}" CACHE INTERNAL "")
      set(UNTILED_NVCC_CODE "${code}" CACHE INTERNAL "")
      set(UNTILED_NVCC_SAID "${said}" CACHE INTERNAL "")
    endif()
    if(UNTILED_NVCC_CODE STREQUAL 0)
      set(${result} ${UNTILED_NVCC} PARENT_SCOPE)
      return()
    endif()
    set(answer "${UNTILED_NVCC} cannot compile them (${UNTILED_NVCC_CODE}): ${UNTILED_NVCC_SAID}")
  endif()
  if(NOT UNTILED_CUDA STREQUAL auto)
    message(FATAL_ERROR "UNTILED_CUDA is ${UNTILED_CUDA}, but ${answer}")
  endif()
  message(STATUS "The filters have no CUDA kernels: ${answer}")
endfunction()

# untiled_ptx_source(RESULT kernels.cu namespace function FLAGS flags...)
# RESULT is a source with `const char* namespace::function()`: the PTX that nvcc makes of the kernels
# with the flags, or "" where there is no nvcc.
function(untiled_ptx_source result source namespace name)
  cmake_parse_arguments(ARG "" "" "FLAGS" ${ARGN})
  set(path ${CMAKE_CURRENT_SOURCE_DIR}/${source})
  set(made ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp)
  set(ptx ${CMAKE_CURRENT_BINARY_DIR}/${name}.ptx)
  set(embed ${CMAKE_COMMAND} -DPTX=${ptx} -DSOURCE=${made} -DNAMESPACE=${namespace} -DNAME=${name}
    -P ${CMAKE_SOURCE_DIR}/cmake/EmbedPtx.cmake)
  set(${result} ${made} PARENT_SCOPE)
  untiled_find_nvcc(nvcc ${path})
  if(NOT nvcc)
    file(REMOVE ${ptx})
    set(UNTILED_FILTER_PTX "" CACHE INTERNAL "")
    execute_process(COMMAND ${embed} COMMAND_ERROR_IS_FATAL ANY)
    return()
  endif()
  message(STATUS "The filters' CUDA kernels are compiled by ${nvcc}")
  add_custom_command(OUTPUT ${ptx} DEPENDS ${path} DEPFILE ${ptx}.d
    COMMAND ${nvcc} ${untiled_ptx_flags} ${ARG_FLAGS} -MD -MF ${ptx}.d -MT ${ptx} -o ${ptx} ${path}
    COMMENT "Building the filters' CUDA kernels" VERBATIM)
  add_custom_command(OUTPUT ${made} DEPENDS ${ptx} ${CMAKE_SOURCE_DIR}/cmake/EmbedPtx.cmake
    COMMAND ${embed} VERBATIM)
  set(UNTILED_FILTER_PTX ${ptx} CACHE INTERNAL "")
endfunction()
