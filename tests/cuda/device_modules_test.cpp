// The program's own libraries for KvikIO and nvImageCodec where they are missing or are none.
#include "lib/core/error.h"
#include "lib/cuda/device_files.h"
#include "lib/cuda/device_jpeg.h"
#include "tests/catch.h"

namespace untiled {
namespace {

constexpr const char* kMissing = "/libuntiled_of_no_build.so";

TEST_CASE("a build without nvImageCodec, or a library that is none, says what to do") {
  const auto open = [](const char* library) {
    return DeviceJpeg::open(JpegPlace::kHost, 0, 1, library);
  };
  CHECK_THROWS_WITH(open(""),
                    contains_text("built without nvImageCodec") && contains_text("--decode host"));
  CHECK_THROWS_WITH(open(kMissing),
                    contains_text("nvImageCodec cannot be used") && contains_text("--decode host"));
  CHECK_THROWS_WITH(open(UNTILED_NO_CUDA_DRIVER), contains_text("untiled_nvimgcodec_decode"));
}

TEST_CASE("a build without KvikIO, or a library that is none, says what to do") {
  CHECK_THROWS_WITH(DeviceFiles::open(""), contains_text("built without KvikIO"));
  CHECK_THROWS_WITH(DeviceFiles::open(kMissing),
                    contains_text("KvikIO cannot be used") && contains_text("leave --kvikio"));
  CHECK_THROWS_WITH(DeviceFiles::open(UNTILED_NO_CUDA_DRIVER),
                    contains_text("untiled_kvikio_write"));
}

#ifdef UNTILED_NVIMGCODEC_LIBRARY
TEST_CASE("bytes that are no JPEG stream are refused by nvImageCodec in one sentence") {
  const auto jpeg = DeviceJpeg::open(JpegPlace::kHost, 0, 1, UNTILED_NVIMGCODEC_LIBRARY);
  const std::string text = "no picture at all, only words that go on for a while";
  std::string pixels(48, 'x');
  JpegPicture picture;
  picture.stream = reinterpret_cast<const uint8_t*>(text.data());
  picture.bytes = text.size();
  picture.rows = picture.cols = 4;
  picture.pixels = pixels.data();
  picture.row_bytes = 12;
  const auto reason = jpeg->decode({&picture, 1}, nullptr);
  REQUIRE(reason.has_value());
  CHECK(reason->find("nvImageCodec") != std::string::npos);
  CHECK(pixels == std::string(48, 'x'));
}
#endif

}  // namespace
}  // namespace untiled
