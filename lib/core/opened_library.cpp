#include "lib/core/opened_library.h"

#include <dlfcn.h>

#include <utility>

#include "lib/core/error.h"

namespace untiled {

OpenedLibrary::OpenedLibrary(std::string name, std::string advice, const std::string& file,
                             Names names)
    : name_(std::move(name)),
      advice_(std::move(advice)),
      handle_(
          dlopen(file.c_str(), RTLD_NOW | (names == Names::kGlobal ? RTLD_GLOBAL : RTLD_LOCAL))) {
  if (handle_ == nullptr) refuse(dlerror());
}

void* OpenedLibrary::find(const char* symbol) const {
  void* function = dlsym(handle_, symbol);
  if (function == nullptr) refuse(dlerror());
  return function;
}

void OpenedLibrary::refuse(const std::string& reason) const {
  throw ConfigError(name_ + " cannot be used: " + reason + "; " + advice_);
}

}  // namespace untiled
