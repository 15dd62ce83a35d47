// A driver with two devices, of which the second does not answer, as the tests of CudaDriver need
// it.
#include <cstddef>
#include <cstdio>

extern "C" {

int cuInit(unsigned) { return 0; }

int cuDriverGetVersion(int* version) {
  *version = 13020;
  return 0;
}

int cuDeviceGetCount(int* count) {
  *count = 2;
  return 0;
}

int cuDeviceGet(int* device, int ordinal) {
  constexpr int kFirstHandle = 40;
  *device = kFirstHandle + ordinal;
  return ordinal == 0 ? 0 : 46;
}

int cuDeviceGetName(char* name, int length, int device) {
  std::snprintf(name, static_cast<size_t>(length), "Device with handle %d", device);
  return 0;
}

int cuDeviceTotalMem_v2(size_t* bytes, int) {
  *bytes = size_t{80} << 30;
  return 0;
}

int cuDeviceGetAttribute(int* value, int attribute, int) {
  *value = attribute == 75 ? 9 : attribute == 76 ? 1 : -1;
  return 0;
}

int cuGetErrorString(int error, const char** text) {
  *text = error == 46 ? "the device is unavailable" : nullptr;
  return 0;
}
}
