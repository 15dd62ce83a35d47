// What the ImageDescription of a TIFF says in the dialects of those who write them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "data/slide/scale.h"
#include "data/slide/tiff_directory.h"

namespace untiled {

/// Whether a name or a description is that of a picture beside the slide: a line of it begins with
/// the word macro, label, thumbnail or overview, or ends with it in brackets, or PerkinElmer's XML
/// says such an image type.
bool names_other_picture(std::string_view text);

/// The scale by "MPP = 0.25" and "AppMag = 40" as Aperio and others list them, by the properties of
/// a slide that libvips keeps, and by ImageJ's "unit=um" with the pixels a unit that stand in the
/// resolution tags. No numbers where the description has none of these dialects.
std::vector<ScaleClaim> described_scales(const TiffDirectory& directory);

/// Why the scale in Aperio's words is not that of an image of `extent`: they give the size of a
/// larger one of its shape, since programs that make slides smaller keep them. Empty where it is.
std::string resizing_doubt(std::string_view description, const Extent& extent);

/// The claim of "MPP = 0.2521" or "mpp = 0.2521 um" in a description of an image of `extent`.
ScaleClaim listed_claim(std::string_view description, const Extent& extent);

/// How many channels ImageJ says that its file has; 1 where it says none or ImageJ did not write
/// it.
int64_t imagej_channels(const TiffDirectory& directory);

bool is_aperio(const TiffDirectory& directory);
bool is_imagej(const TiffDirectory& directory);

}  // namespace untiled
