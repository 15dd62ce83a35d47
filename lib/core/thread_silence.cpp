#include "lib/core/thread_silence.h"

namespace untiled {
namespace {

thread_local bool is_silent = false;

}  // namespace

void silence_thread() { is_silent = true; }

bool is_thread_silent() { return is_silent; }

}  // namespace untiled
