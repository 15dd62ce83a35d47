// OME-XML and the tags of other XML descriptions.
#include "data/slide/ome.h"

#include "data/slide/xml_tags.h"
#include "tests/fuzz/fuzz.h"

using namespace untiled;

UNTILED_FUZZ_TARGET({
  const std::string xml = without_comments(as_text(bytes));
  for (const char* name : {"Pixels", "TiffData", "Channel"}) {
    const auto tag = find_tag(xml, name);
    if (!tag.empty()) attribute(tag, "PhysicalSizeX");
  }
  without_elements(xml, "StructuredAnnotations");
  parse_ome(as_text(bytes), "a.ome.tif");
})
