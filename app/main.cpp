// The table of verbs.
#include "app/program.h"

int main(int argc, char** argv) {
  using namespace untiled;
  return run_program(argc, argv,
                     {train_command(), export_command(), label_command(), evaluate_command(),
                      plan_command(), verify_command(), tile_command(), synth_command(),
                      info_command(), doctor_command(), bench_command()});
}
