#include "data/slide/openslide_advice.h"

namespace untiled {
namespace {

struct Advice {
  std::string_view part;  ///< Of OpenSlide's or libdicom's message.
  std::string_view advice;
};

constexpr Advice kAdvice[] = {
    {"transfer syntax",
     "its encoding is not read; convert it to the transfer syntax JPEG Baseline or JPEG 2000, "
     "or export it as a tiled TIFF"},
    {"photometric interpretation MONOCHROME",
     "it is monochrome, such as one dye of several; export it as 8-bit RGB"},
    {"photometric interpretation PALETTE", "it has a palette; export it as 8-bit RGB"},
    {"photometric interpretation",
     "its colours are in a form that is not read; export it as 8-bit RGB"},
    {"SamplesPerPixel", "it is monochrome, such as one dye of several; export it as 8-bit RGB"},
    {"TotalPixelMatrixFocalPlanes",
     "it holds several focal planes, of which none is read; export one of them"},
    {"BitsAllocated", "it has other samples than 8 bits; export it as 8-bit RGB"},
    {"BitsStored", "it has other samples than 8 bits; export it as 8-bit RGB"},
    {"HighBit", "it has other samples than 8 bits; export it as 8-bit RGB"},
    {"PixelRepresentation", "its samples have a sign; export it as 8-bit RGB"},
    {"read PlanarConfiguration",
     "it does not say how its colours are stored, as is right of a monochrome one; export it as "
     "8-bit RGB"},
    {"PlanarConfiguration", "its colours are stored plane by plane; export it as 8-bit RGB"},
    {"frame alignment",
     "its frames lie off a regular grid, which is not read; export it as a tiled TIFF"},
    {"No pyramid levels",
     "it holds a label, a macro image or a thumbnail alone; give a file of the slide's levels"},
    {"Not a WSI DICOM",
     "it is no whole-slide image; give a file of the series VL Whole Slide Microscopy"},
    {"Unsupported TIFF compression",
     "its compression is not read; convert it to JPEG or Deflate with the program that made it, or "
     "with Bio-Formats (bfconvert -compression zlib in out.ome.tif)"},
    {"ImageDepth", "it holds several focal planes, of which none is read; export one of them"},
    {"concatenation",
     "files of its series are absent or belong to another; copy all of its folder"},
    {"unexpected image", "files of several slides share a series; give each a folder of its own"},
    {"find main image",
     "it holds no slide in bright field, but fluorescence or an overview alone; export it as 8-bit "
     "RGB"},
    {"dissimilar main images",
     "it holds several scans of different objectives or sizes; export one of them as a tiled TIFF"},
    {"level downsamples",
     "it does not say how large its pixels are, by which its levels are told; export it as a tiled "
     "TIFF"},
    {"region metadata",
     "what it says of its tiles' places is not understood; export it as a tiled TIFF"},
    {"Bad direction attribute",
     "what it says of its tiles' places is not understood; export it as a tiled TIFF"},
    {"subblock dimension",
     "its tiles have a dimension that is not read, such as focal planes or times, be there one of "
     "them; export it as OME-TIFF of 8-bit RGB"},
    {"Nonzero subblock channel",
     "it holds several channels, such as dyes; export it as OME-TIFF of 8-bit RGB"},
    {"Pixel type", "it has other pixels than 8-bit RGB; export it as OME-TIFF of 8-bit RGB"},
    {"ZISRAWATTDIR",
     "it has no list of attachments, as files of Zeiss' own library; export it as OME-TIFF of "
     "8-bit "
     "RGB"},
    {"read level dimensions",
     "it does not say how large the picture of its frames is (TotalPixelMatrixColumns and Rows); "
     "convert the slide again, or export it as a tiled TIFF"},
    {"get image flavor",
     "it does not say of what kind its image is (ImageType); convert the slide again"},
    {"SeriesInstanceUID", "it does not say which series it belongs to; convert the slide again"},
    {"does not know its format",
     "its images stand in an order that is not read, or some are absent; export it as a tiled "
     "TIFF"},
};

}  // namespace

std::optional<std::string> advice_for(std::string_view reason) {
  for (const Advice& known : kAdvice) {
    if (reason.find(known.part) != std::string_view::npos) return std::string(known.advice);
  }
  return std::nullopt;
}

}  // namespace untiled
