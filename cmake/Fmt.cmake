# fmt is everywhere the one that LibTorch ships as headers: they win over a system's. The link shows
# that folder alone, so that nothing else of LibTorch's is seen. No header of ours shows fmt.
set(fmt_headers ${untiled_torch_root}/include/fmt)
if(NOT EXISTS ${fmt_headers}/format.h)
  message(FATAL_ERROR "fmt is not in ${fmt_headers}: run scripts/setup.sh first")
endif()
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/include)
file(CREATE_LINK ${fmt_headers} ${CMAKE_BINARY_DIR}/include/fmt SYMBOLIC)
add_library(untiled_fmt_headers INTERFACE)
target_include_directories(untiled_fmt_headers SYSTEM INTERFACE ${CMAKE_BINARY_DIR}/include)

add_library(untiled_fmt STATIC ${CMAKE_SOURCE_DIR}/cmake/fmt.cpp)
target_link_libraries(untiled_fmt PUBLIC $<BUILD_INTERFACE:untiled_fmt_headers>)
set_target_properties(untiled_fmt PROPERTIES POSITION_INDEPENDENT_CODE ON)
untiled_install_library(untiled_fmt)
