#include "lib/output/ome_xml.h"

#include <fmt/format.h>

#include "lib/core/printable.h"
#include "lib/output/markup.h"

namespace untiled {
namespace {

constexpr const char* kSchema = "http://www.openmicroscopy.org/Schemas/OME/2016-06";
constexpr const char* kMicrometre = "\xC2\xB5m";

/// What XML 1.0 does not have becomes a question mark.
std::string escape(const std::string& text) { return escape_markup(printable(text)); }

std::string physical_size(const std::optional<OutputScale>& scale) {
  if (!scale) return "";
  return fmt::format(
      R"( PhysicalSizeX="{}" PhysicalSizeXUnit="{}" PhysicalSizeY="{}" PhysicalSizeYUnit="{}")",
      scale->mpp_x, kMicrometre, scale->mpp_y, kMicrometre);
}

std::string pair(const std::string& key, const std::string& value) {
  return fmt::format(R"(<M K="{}">{}</M>)", escape(key), escape(value));
}

std::string annotations(const MaskFacts& facts) {
  std::string pairs = pair("origin", to_string(facts.origin));
  pairs += pair("downsample", fmt::format("{}", facts.downsample_x));
  for (const MaskClass& c : file_classes(facts.classes)) {
    pairs += pair(fmt::format("class {}", c.value), c.name);
  }
  return fmt::format(
      R"(<StructuredAnnotations><MapAnnotation ID="Annotation:0" Namespace="untiled/mask">)"
      R"(<Value>{}</Value></MapAnnotation></StructuredAnnotations>)",
      pairs);
}

/// An image around its pixels, perhaps with a reference to annotations, which follow it.
std::string document(const std::string& name, const std::string& pixels,
                     const std::string& reference, const std::string& annotations) {
  return fmt::format(R"(<?xml version="1.0" encoding="UTF-8"?><OME xmlns="{0}" )"
                     R"(xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" )"
                     R"(xsi:schemaLocation="{0} {0}/ome.xsd" Creator="untiled">)"
                     R"(<Image ID="Image:0" Name="{1}">{2}{3}</Image>{4}</OME>)",
                     kSchema, escape(name), pixels, reference, annotations);
}

}  // namespace

std::string ome_xml(const MaskFacts& facts, const std::string& name) {
  const std::string pixels = fmt::format(
      R"(<Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint8" SizeX="{}" SizeY="{}" )"
      R"(SizeZ="1" SizeC="1" SizeT="1"{}><Channel ID="Channel:0:0" Name="mask" )"
      R"(SamplesPerPixel="1"/><TiffData IFD="0" PlaneCount="1"/></Pixels>)",
      facts.extent.cols, facts.extent.rows, physical_size(facts.scale));
  return document(name, pixels, R"(<AnnotationRef ID="Annotation:0"/>)", annotations(facts));
}

std::string color_ome_xml(const ColorFacts& facts, const std::string& name) {
  const std::string pixels = fmt::format(
      R"(<Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="{}" Interleaved="true" SizeX="{}" )"
      R"(SizeY="{}" SizeZ="1" SizeC="3" SizeT="1"{}><Channel ID="Channel:0:0" )"
      R"(SamplesPerPixel="3"/><TiffData IFD="0" PlaneCount="1"/></Pixels>)",
      facts.is_float ? "float" : "uint8", facts.extent.cols, facts.extent.rows,
      physical_size(facts.scale));
  return document(name, pixels, "", "");
}

}  // namespace untiled
