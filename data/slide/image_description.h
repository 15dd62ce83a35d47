// What the ImageDescription of a TIFF says in the dialects of those who write them.
#pragma once

#include <string_view>
#include <vector>

#include "data/slide/scale.h"
#include "data/slide/tiff_directory.h"

namespace untiled {

/// Whether a name or a description is that of a picture beside the slide: a line of it begins with
/// the word macro, label, thumbnail or overview, or ends with it in brackets, or PerkinElmer's XML
/// says such an image type.
bool names_other_picture(std::string_view text);

/// The scale by Aperio's "MPP = 0.25" and "AppMag = 40", and by ImageJ's "unit=um" with the pixels
/// a unit that stand in the resolution tags. None where the description has neither dialect.
std::vector<ScaleClaim> described_scales(const TiffDirectory& directory);

/// How many channels ImageJ says that its file has; 1 where it says none or ImageJ did not write
/// it.
int64_t imagej_channels(const TiffDirectory& directory);

bool is_aperio(const TiffDirectory& directory);

}  // namespace untiled
