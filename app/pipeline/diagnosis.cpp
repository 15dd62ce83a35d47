#include "app/pipeline/diagnosis.h"

#include <fmt/format.h>
#include <openslide.h>
#include <sys/resource.h>
#include <tiffio.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <opencv2/core/utility.hpp>
#include <sstream>
#include <system_error>
#include <thread>

#include "lib/core/error.h"
#include "lib/core/progress.h"
#include "lib/core/resources.h"
#include "lib/cuda/cuda_driver.h"
#include "lib/cuda/device_files.h"
#include "lib/cuda/device_jpeg.h"
#include "lib/device/device.h"
#include "lib/filters/cuda/filter_device.h"
#include "lib/kernels/fused/row_kernels.h"
#include "lib/ranks/nccl/nccl_calls.h"
#include "lib/ranks/world.h"

namespace untiled {
namespace {

void append(Findings& findings, Findings more) {
  std::move(more.begin(), more.end(), std::back_inserter(findings));
}

Findings find_versions() {
  const std::string tiff = TIFFGetVersion();
  return {
      {"untiled", UNTILED_VERSION, ""},
      {"LibTorch", torch_version(), ""},
      {"OpenSlide", openslide_get_version(), ""},
      {"OpenCV", cv::getVersionString(), ""},
      {"libtiff", tiff.substr(0, tiff.find('\n')), ""},
      {"fused kernels",
       fmt::format("{}, compiled by {}", fused::available_simd().front(), fused::kernel_compiler()),
       ""}};
}

bool is_in_path(const std::string& program) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::filesystem::path file = std::filesystem::path(folder) / program;
    if (::access(file.c_str(), X_OK) == 0) return true;
  }
  return false;
}

/// A backend without hardware is no fault; one whose hardware cannot be used is.
Finding find_backend(const BackendState& backend) {
  const bool broken = backend.has_hardware && !backend.usable;
  return {backend.name, broken ? "is there but cannot be used" : backend.detail,
          broken ? backend.detail : ""};
}

Findings find_devices() { return {find_backend(probe_cuda()), find_backend(probe_mps())}; }

/// What `tile --device cuda` needs. A machine without a device lacks nothing.
Finding find_cuda_filters() {
  const std::string subject = "CUDA filters";
  if (*filters::filter_ptx() == 0) return {subject, "not built in: nvcc was not found", ""};
  try {
    const auto driver = CudaDriver::open();
    if (!driver || driver->device_count() == 0) return {subject, "built in; no device to use", ""};
    return {subject, "built in, for " + filters::FilterDevice::open("cuda").gpu().name(), ""};
  } catch (const CudaFault& fault) {
    return {subject, "built in, but the driver cannot be used", fault.what()};
  } catch (const ConfigError& error) {
    return {subject, "built in, but cannot be used", error.what()};
  }
}

/// Every call of KvikIO's fails without a driver.
Finding find_kvikio() {
  const std::string subject = "KvikIO";
  if (find_kvikio_library().empty())
    return {subject, "not built in: the host reads and writes", ""};
  try {
    if (!CudaDriver::open()) return {subject, "built in; no driver to use", ""};
    const bool is_direct = DeviceFiles::open()->expected_mode() == "gds";
    return {subject, is_direct ? "GPUDirect Storage" : "POSIX: no GPUDirect Storage here", ""};
  } catch (const std::exception& error) {
    return {subject, "built in, but cannot be used", error.what()};
  }
}

Finding find_nvimgcodec() {
  const std::string subject = "nvImageCodec";
  if (find_nvimgcodec_library().empty()) return {subject, "not built in: the host decodes", ""};
  try {
    if (!CudaDriver::open()) return {subject, "built in; no driver to use", ""};
    DeviceJpeg::open(JpegPlace::kDevice, 0, 1);
    return {subject,
            "decodes JPEG tiles (tile --decode gpu, data.decode gpu); pixels may be 3 of 255 (8 "
            "where chroma is "
            "halved) off "
            "libjpeg-turbo's",
            ""};
  } catch (const std::exception& error) {
    return {subject, "built in, but cannot be used", error.what()};
  }
}

/// LibTorch's libraries for CUDA bring it; a machine without them lacks nothing.
Finding find_nccl() {
  const std::string subject = "NCCL";
  try {
    return {subject, open_nccl().name() + ", for ranks that have a CUDA device each", ""};
  } catch (const ConfigError&) {
    return {subject, "not found: sums of ranks go through the host's memory", ""};
  }
}

/// Ranks as threads need no MPI, so a program without it lacks nothing; half of it is a fault.
Finding find_mpi() {
  if (find_mpi_library().empty()) {
    return {"MPI", "not built in: ranks are threads of one process (--ranks threads:N)", ""};
  }
  try {
    const std::string version = mpi_version();
    const std::vector<std::string> names = mpi_launchers();
    const auto launcher = std::find_if(names.begin(), names.end(), is_in_path);
    if (launcher != names.end()) return {"MPI", version + ", started by " + *launcher, ""};
    return {"MPI", version + " without " + names.back(),
            "install openmpi-bin (or mpich), or use --ranks threads:N"};
  } catch (const ConfigError& error) {
    return {"MPI", error.what(), "install openmpi-bin, or use --ranks threads:N"};
  }
}

Finding find_cores() {
  return {"cores",
          fmt::format("{} of the host's {}", usable_cores(),
                      std::max(1U, std::thread::hardware_concurrency())),
          ""};
}

Finding find_memory() {
  constexpr int64_t kLeast = int64_t{3} << 29;
  const int64_t usable = usable_memory_bytes();
  return {"memory", format_bytes(usable),
          usable >= kLeast
              ? ""
              : "allow this process at least 1.5 GiB (cgroup, container or batch job)"};
}

/// The soft limit, -1 for none.
int64_t soft_limit(int resource) {
  struct rlimit limit = {};
  getrlimit(resource, &limit);
  return limit.rlim_cur == RLIM_INFINITY ? -1 : static_cast<int64_t>(limit.rlim_cur);
}

Finding find_file_size_limit() {
  constexpr int64_t kLeast = int64_t{4} << 30;
  const int64_t limit = soft_limit(RLIMIT_FSIZE);
  return {"largest file", limit < 0 ? "no limit" : format_bytes(limit),
          limit < 0 || limit >= kLeast
              ? ""
              : "masks and synthetic slides need more: ulimit -f unlimited"};
}

Finding find_open_files_limit() {
  constexpr int64_t kLeast = 256;
  const int64_t limit = soft_limit(RLIMIT_NOFILE);
  return {
      "open files", limit < 0 ? "no limit" : fmt::format("{}", limit),
      limit < 0 || limit >= kLeast ? "" : fmt::format("raise the limit: ulimit -n {}", 4 * kLeast)};
}

/// The first of `folder` and its parents that exists.
std::filesystem::path existing_part(std::filesystem::path folder) {
  std::error_code none;
  while (!std::filesystem::exists(folder, none) && folder.has_relative_path()) {
    folder = folder.parent_path();
  }
  return folder;
}

Finding find_space(const std::string& subject, const std::filesystem::path& folder) {
  constexpr int64_t kLeast = int64_t{1} << 30;
  std::error_code error;
  const auto space = std::filesystem::space(existing_part(folder), error);
  if (error) return {subject, folder.string() + ": " + error.message(), "choose another folder"};
  const auto free = static_cast<int64_t>(std::min<uintmax_t>(space.available, INT64_MAX));
  return {subject, fmt::format("{} free in {}", format_bytes(free), folder.string()),
          free >= kLeast ? "" : "free at least 1 GiB or choose another folder"};
}

Findings find_limits(const Settings& settings) {
  Findings findings = {find_cores(), find_memory(), find_file_size_limit(), find_open_files_limit(),
                       find_space("run folder", settings.run.folder)};
  if (!settings.run.scratch.empty()) {
    findings.push_back(find_space("scratch folder", settings.run.scratch));
  }
  return findings;
}

}  // namespace

Findings diagnose(const Settings& settings) {
  Findings findings = find_versions();
  append(findings, find_devices());
  findings.push_back(find_cuda_filters());
  findings.push_back(find_kvikio());
  findings.push_back(find_nvimgcodec());
  findings.push_back(find_nccl());
  findings.push_back(find_mpi());
  append(findings, find_limits(settings));
  return findings;
}

}  // namespace untiled
