// The table of verbs.
#include <c10/util/Exception.h>
#include <c10/util/Logging.h>

#include <string>

#include "app/program.h"

namespace {

/// LibTorch throws errors of its own where memory is short.
untiled::Failure describe(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const c10::OutOfMemoryError&) {
    return untiled::out_of_memory();
  } catch (const c10::Error& problem) {
    const std::string text = problem.what_without_backtrace();
    const bool is_memory = text.find("not enough memory") != std::string::npos;
    return is_memory ? untiled::out_of_memory() : untiled::Failure{.sentence = text};
  } catch (...) {
    return untiled::failure_of(std::current_exception());
  }
}

}  // namespace

int main(int argc, char** argv) {
  using namespace untiled;
  // LibTorch's own list of its callers is for its authors, and would stand in messages of failures.
  c10::SetStackTraceFetcher([] { return std::string(); });
  return run_program(argc, argv,
                     {train_command(), export_command(), label_command(), evaluate_command(),
                      plan_command(), verify_command(), tile_command(), synth_command(),
                      info_command(), doctor_command(), bench_command()},
                     describe);
}
