# cmake -DPTX=... -DSOURCE=... -DNAMESPACE=... -DNAME=... -P EmbedPtx.cmake: writes a C++ source whose
# function NAME gives the text of PTX, or "" where there is no such file.
cmake_minimum_required(VERSION 3.25)
set(text "")
if(EXISTS ${PTX})
  file(READ ${PTX} text)
endif()
file(CONFIGURE OUTPUT ${SOURCE} @ONLY CONTENT "// Made by cmake/EmbedPtx.cmake.
namespace @NAMESPACE@ {

const char* @NAME@();
const char* @NAME@() { return R\"PTX(@text@)PTX\"; }

}  // namespace @NAMESPACE@
")
