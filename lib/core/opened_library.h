// Libraries that are opened at run time, and their functions by name.
#pragma once

#include <array>
#include <string>

namespace untiled {

/// What a function of such a library says of itself: a text that ends with a 0.
using LibraryText = std::array<char, 1024>;

/// One of them. It stays open for the life of the process, for it may have threads and exit
/// handlers of its own.
class OpenedLibrary {
 public:
  enum class Names {
    kLocal,   ///< Nobody else finds its functions.
    kGlobal,  ///< What it opens itself does.
  };

  /// `name` is what people call it ("KvikIO"), `advice` what to do without it. Throws ConfigError,
  /// as all that follows.
  OpenedLibrary(std::string name, std::string advice, const std::string& file,
                Names names = Names::kLocal);

  template <typename Function>
  Function* function(const char* symbol) const {
    return reinterpret_cast<Function*>(find(symbol));
  }
  /// "KvikIO cannot be used: {reason}; {advice}"
  [[noreturn]] void refuse(const std::string& reason) const;

 private:
  void* find(const char* symbol) const;

  std::string name_;
  std::string advice_;
  void* handle_;
};

}  // namespace untiled
