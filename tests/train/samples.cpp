// Writes files for readers that are not ours, and says what it reads of theirs; see
// readers_test.py.
#include <cstdio>
#include <exception>
#include <nlohmann/json.hpp>
#include <string>

#include "lib/train/checkpoint.h"
#include "lib/train/tensorboard.h"
#include "tests/train/tensors.h"
#include "tests/train/toy_training.h"

namespace untiled {
namespace {

void write_samples(const std::filesystem::path& folder) {
  const NamedTensors tensors = {
      {"weight", "count", "mask", "scale", "empty"},
      {tensor_of<float>({2, 3}, {1.5F, -0.0F, 3.0F, 4.0F, 5.0F, 1e-42F}),
       tensor_of<int64_t>({}, {-7}), tensor_of<uint8_t>({3}, {0, 128, 255}),
       tensor_of<double>({2}, {0.1, 1e300}), tensor_of<float>({0, 4}, {})}};
  write_safetensors(folder / "tensors.safetensors", tensors, {{"who", "\"untiled\" \xc3\xbc"}});
  save_checkpoint(folder / "checkpoint.safetensors", tensors, toy_options().checkpoint);

  int64_t kept = 0;
  {
    TensorBoardWriter events(folder / "logs" / "events.out.tfevents.0.untiled", 0);
    events.write_scalars(1, {{"train/loss", 0.5}, {"validation/dice", 0.25}});
    kept = events.size_bytes();
    events.write_scalars(2, {{"train/loss", 99.0}});
  }
  TensorBoardWriter events(folder / "logs" / "events.out.tfevents.0.untiled", kept);
  events.write_scalars(2, {{"train/loss", 0.375}});
  events.write_scalars(300, {{"train/loss", -1e-8}});
  events.write_image(300, "preview/one.svs", tiny_png());
}

void print_tensors(const std::filesystem::path& path) {
  const SafetensorsFile file = read_safetensors(path);
  nlohmann::json all = {{"metadata", file.metadata}};
  for (size_t i = 0; i < file.tensors.names.size(); ++i) {
    const at::Tensor& tensor = file.tensors.tensors[i];
    all["tensors"][file.tensors.names[i]] = {{"dtype", at::toString(tensor.scalar_type())},
                                             {"shape", tensor.sizes().vec()},
                                             {"values", values_of<double>(tensor.to(at::kDouble))}};
  }
  std::puts(all.dump().c_str());
}

}  // namespace
}  // namespace untiled

int main(int argc, char** argv) {
  try {
    const std::string verb = argc == 3 ? argv[1] : "";
    if (verb == "write") {
      untiled::write_samples(argv[2]);
    } else if (verb == "read") {
      untiled::print_tensors(argv[2]);
    } else {
      std::fputs("usage: samples write FOLDER | read FILE\n", stderr);
      return 2;
    }
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
}
