// Silence of a thread whose words another thread says.
#pragma once

namespace untiled {

/// From now on notes, warnings and progress of the calling thread are not printed; errors are.
void silence_thread();
bool is_thread_silent();

}  // namespace untiled
