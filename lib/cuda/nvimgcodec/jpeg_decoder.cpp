// JPEG streams decoded by nvImageCodec, on a CUDA device or by its own decoder for the CPU. Opened
// at run time: nothing else is linked with it.
#include <dlfcn.h>
#include <nvimgcodec.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <exception>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "lib/cuda/jpeg_picture.h"

namespace {

using untiled::JpegPicture;

constexpr int kFailed = -1;

void tell(std::string_view what, char* text, size_t size) {
  const size_t length = std::min(what.size(), size - 1);
  std::memcpy(text, what.data(), length);
  text[length] = 0;
}

void check(nvimgcodecStatus_t status, const char* what) {
  if (status == NVIMGCODEC_STATUS_SUCCESS) return;
  throw std::runtime_error(std::string(what) + " (status " + std::to_string(status) + ")");
}

/// A structure of the interface, which says its own kind and size.
template <typename T>
T structure(nvimgcodecStructureType_t type) {
  T made{};
  made.struct_type = type;
  made.struct_size = sizeof(T);
  return made;
}

template <auto destroy>
struct Destroy {
  template <typename T>
  void operator()(T* handle) const {
    destroy(handle);
  }
};

using Instance = std::unique_ptr<nvimgcodecInstance, Destroy<nvimgcodecInstanceDestroy>>;
using Extension = std::unique_ptr<nvimgcodecExtension, Destroy<nvimgcodecExtensionDestroy>>;
using Decoder = std::unique_ptr<nvimgcodecDecoder, Destroy<nvimgcodecDecoderDestroy>>;
using Stream = std::unique_ptr<nvimgcodecCodeStream, Destroy<nvimgcodecCodeStreamDestroy>>;
using Image = std::unique_ptr<nvimgcodecImage, Destroy<nvimgcodecImageDestroy>>;
using Future = std::unique_ptr<nvimgcodecFuture, Destroy<nvimgcodecFutureDestroy>>;

template <typename T>
std::vector<typename T::pointer> handles_of(const std::vector<T>& owners) {
  std::vector<typename T::pointer> handles;
  for (const T& owner : owners) handles.push_back(owner.get());
  return handles;
}

/// Its decoders lie beside the library itself; their names end with a version.
std::filesystem::path find_extension(const std::string& name) {
  Dl_info info{};
  dladdr(reinterpret_cast<const void*>(&nvimgcodecInstanceCreate), &info);
  const auto folder = std::filesystem::path(info.dli_fname).parent_path() / "extensions";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().filename().string().starts_with(name)) return entry.path();
  }
  throw std::runtime_error("nvImageCodec has no " + name + " in " + folder.string());
}

Instance make_instance() {
  auto info =
      structure<nvimgcodecInstanceCreateInfo_t>(NVIMGCODEC_STRUCTURE_TYPE_INSTANCE_CREATE_INFO);
  info.load_builtin_modules = 1;
  nvimgcodecInstance_t instance = nullptr;
  check(nvimgcodecInstanceCreate(&instance, &info), "nvImageCodec cannot begin");
  return Instance(instance);
}

/// One decoder of many: those for other formats complain of libraries that JPEG does not take.
Extension add_extension(const Instance& instance, const std::string& name) {
  void* library = dlopen(find_extension(name).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw std::runtime_error(dlerror());
  const auto entry = reinterpret_cast<nvimgcodecExtensionModuleEntryFunc_t>(
      dlsym(library, "nvimgcodecExtensionModuleEntry"));
  auto description = structure<nvimgcodecExtensionDesc_t>(NVIMGCODEC_STRUCTURE_TYPE_EXTENSION_DESC);
  if (entry == nullptr || entry(&description) != NVIMGCODEC_STATUS_SUCCESS) {
    throw std::runtime_error(name + " is no decoder of nvImageCodec's");
  }
  nvimgcodecExtension_t extension = nullptr;
  check(nvimgcodecExtensionCreate(instance.get(), &extension, &description),
        "nvImageCodec takes no decoder");
  return Extension(extension);
}

/// Chroma is interpolated as libjpeg does it.
constexpr const char* kOptions = ":fancy_upsampling=1";

constexpr std::array kOnCpu = {NVIMGCODEC_BACKEND_KIND_CPU_ONLY};
constexpr std::array kOnDevice = {NVIMGCODEC_BACKEND_KIND_HW_GPU_ONLY,
                                  NVIMGCODEC_BACKEND_KIND_GPU_ONLY,
                                  NVIMGCODEC_BACKEND_KIND_HYBRID_CPU_GPU};

template <size_t count>
std::vector<nvimgcodecBackend_t> backends_of(
    const std::array<nvimgcodecBackendKind_t, count>& kinds) {
  std::vector<nvimgcodecBackend_t> backends;
  for (const nvimgcodecBackendKind_t kind : kinds) {
    auto backend = structure<nvimgcodecBackend_t>(NVIMGCODEC_STRUCTURE_TYPE_BACKEND);
    backend.kind = kind;
    backend.params = structure<nvimgcodecBackendParams_t>(NVIMGCODEC_STRUCTURE_TYPE_BACKEND_PARAMS);
    backend.params.load_hint = 1;
    backend.params.load_hint_policy = NVIMGCODEC_LOAD_HINT_POLICY_FIXED;
    backends.push_back(backend);
  }
  return backends;
}

class JpegDecoder {
 public:
  JpegDecoder(int device, int threads)
      : is_on_device_(device >= 0),
        instance_(make_instance()),
        extension_(add_extension(instance_, is_on_device_ ? "libnvjpeg_ext" : "libjpeg_turbo_ext")),
        decoder_(open(device, threads)) {}

  void decode(const JpegPicture* pictures, size_t count, void* stream) {
    std::vector<Stream> streams;
    std::vector<Image> images;
    for (size_t i = 0; i < count; ++i) {
      streams.push_back(stream_of(pictures[i]));
      images.push_back(image_of(pictures[i], stream));
    }
    run(handles_of(streams), handles_of(images));
  }

 private:
  nvimgcodecDecoder_t open(int device, int threads) const {
    const auto backends = is_on_device_ ? backends_of(kOnDevice) : backends_of(kOnCpu);
    auto how = structure<nvimgcodecExecutionParams_t>(NVIMGCODEC_STRUCTURE_TYPE_EXECUTION_PARAMS);
    how.max_num_cpu_threads = threads;
    how.device_id = is_on_device_ ? device : NVIMGCODEC_DEVICE_CPU_ONLY;
    how.num_backends = static_cast<int>(backends.size());
    how.backends = backends.data();
    nvimgcodecDecoder_t decoder = nullptr;
    check(nvimgcodecDecoderCreate(instance_.get(), &decoder, &how, kOptions),
          "nvImageCodec gives no decoder");
    return decoder;
  }

  Stream stream_of(const JpegPicture& picture) const {
    nvimgcodecCodeStream_t stream = nullptr;
    check(nvimgcodecCodeStreamCreateFromHostMem(instance_.get(), &stream, picture.stream,
                                                picture.bytes, nullptr),
          "it is no JPEG stream for nvImageCodec");
    return Stream(stream);
  }

  Image image_of(const JpegPicture& picture, void* stream) const {
    auto info = structure<nvimgcodecImageInfo_t>(NVIMGCODEC_STRUCTURE_TYPE_IMAGE_INFO);
    info.color_spec = NVIMGCODEC_COLORSPEC_SRGB;
    info.chroma_subsampling = NVIMGCODEC_SAMPLING_NONE;
    info.sample_format = NVIMGCODEC_SAMPLEFORMAT_I_RGB;
    info.num_planes = 1;
    nvimgcodecImagePlaneInfo_t& plane = info.plane_info[0];
    plane = structure<nvimgcodecImagePlaneInfo_t>(NVIMGCODEC_STRUCTURE_TYPE_IMAGE_PLANE_INFO);
    plane.width = picture.cols;
    plane.height = picture.rows;
    plane.row_stride = picture.row_bytes;
    plane.num_channels = 3;
    plane.sample_type = NVIMGCODEC_SAMPLE_DATA_TYPE_UINT8;
    info.buffer = picture.pixels;
    info.buffer_kind = is_on_device_ ? NVIMGCODEC_IMAGE_BUFFER_KIND_STRIDED_DEVICE
                                     : NVIMGCODEC_IMAGE_BUFFER_KIND_STRIDED_HOST;
    info.cuda_stream = static_cast<cudaStream_t>(stream);
    nvimgcodecImage_t image = nullptr;
    check(nvimgcodecImageCreate(instance_.get(), &image, &info), "nvImageCodec takes no picture");
    return Image(image);
  }

  void run(const std::vector<nvimgcodecCodeStream_t>& streams,
           const std::vector<nvimgcodecImage_t>& images) {
    const auto how = structure<nvimgcodecDecodeParams_t>(NVIMGCODEC_STRUCTURE_TYPE_DECODE_PARAMS);
    nvimgcodecFuture_t future = nullptr;
    check(nvimgcodecDecoderDecode(decoder_.get(), streams.data(), images.data(),
                                  static_cast<int>(streams.size()), &how, &future),
          "nvImageCodec cannot decode");
    const Future owner(future);
    check(nvimgcodecFutureWaitForAll(future), "nvImageCodec cannot decode");
    size_t count = streams.size();
    std::vector<nvimgcodecProcessingStatus_t> states(count);
    check(nvimgcodecFutureGetProcessingStatus(future, states.data(), &count),
          "nvImageCodec cannot decode");
    for (const nvimgcodecProcessingStatus_t state : states) {
      if (state == NVIMGCODEC_PROCESSING_STATUS_SUCCESS) continue;
      throw std::runtime_error("nvImageCodec cannot decode a JPEG tile (processing status " +
                               std::to_string(state) + ")");
    }
  }

  bool is_on_device_;
  Instance instance_;
  Extension extension_;
  Decoder decoder_;
};

}  // namespace

extern "C" {

/// A decoder on device `device`, or on the CPU where that is below 0; null, and `text` says why.
void* untiled_nvimgcodec_open(int device, int threads, char* text, size_t text_size) {
  try {
    return new JpegDecoder(device, threads);
  } catch (const std::exception& error) {
    tell(error.what(), text, text_size);
  }
  return nullptr;
}

/// 0: all work is done, or begun on `stream` (a CUstream); -1: not, and `text` says why. One thread
/// at a time.
int untiled_nvimgcodec_decode(void* decoder, const JpegPicture* pictures, size_t count,
                              void* stream, char* text, size_t text_size) {
  try {
    static_cast<JpegDecoder*>(decoder)->decode(pictures, count, stream);
    return 0;
  } catch (const std::exception& error) {
    tell(error.what(), text, text_size);
  }
  return kFailed;
}

void untiled_nvimgcodec_close(void* decoder) { delete static_cast<JpegDecoder*>(decoder); }
}
