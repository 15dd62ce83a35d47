// The few facts of an OME-XML description (OME-TIFF's ImageDescription) that reading pixels needs.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace untiled {

struct OmeChannel {
  std::string name;
  std::optional<int64_t> color;  ///< RGBA packed as OME does.
};

/// Which planes of an image lie in `planes` directories from `directory` on: those from (c, z, t)
/// on in the image's order of dimensions.
struct OmePlanes {
  int64_t directory = 0;
  int64_t c = 0;
  int64_t z = 0;
  int64_t t = 0;
  int64_t planes = 1;
  bool is_elsewhere = false;  ///< In another file of a set than the description was read from.
};

/// One image of an OME-XML document.
struct OmeImage {
  std::string name;
  int64_t size_x = 0;  ///< 0: not said.
  int64_t size_y = 0;
  int64_t size_c = 1;
  int64_t size_z = 1;
  int64_t size_times = 1;
  std::string order = "XYCZT";
  std::optional<double> mpp_x;
  std::optional<double> mpp_y;
  std::string unknown_unit;  ///< Of a size that is therefore left out of mpp_x or mpp_y.
  std::optional<double> objective_power;
  std::vector<OmeChannel> channels;
  std::vector<OmePlanes> planes;  ///< As TiffData has it; empty when it says nothing.
};

/// The images of a description, in its order; none when it is no OME-XML. Of a set of files that
/// share a description, those whose planes lie in the one called `file_name`.
std::vector<OmeImage> parse_ome(std::string_view description, std::string_view file_name = {});

/// The file that an OME-TIFF without metadata of its own says has them (BinaryOnly); nothing where
/// it says none.
std::optional<std::string> companion_of(std::string_view description);

/// The directory in which TiffData puts the plane of channel `c` of the first focal plane and time,
/// counting `samples` channels of the document as one; nothing where it does not say.
std::optional<int64_t> directory_of(const OmeImage& image, int64_t c, int64_t samples);

/// Whether TiffData puts one of the image's planes into `directory`.
bool holds_directory(const OmeImage& image, int64_t directory);

/// Which of an image's three channels are red, green and blue: by their names, else in their order.
/// Nothing where names or colours say that they are something else, such as dyes, and where there
/// are not three.
std::optional<std::array<int64_t, 3>> rgb_channels(const OmeImage& image);

}  // namespace untiled
