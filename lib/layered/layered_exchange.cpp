// What ranks give each other: the margins around their parts of stored tensors.
#include <span>

#include "lib/layered/layered_run.h"
#include "lib/layered/tensors.h"

namespace untiled {
namespace {

constexpr int kTag = 1;

std::span<std::byte> bytes_of(const at::Tensor& t) {
  return {static_cast<std::byte*>(t.data_ptr()), t.nbytes()};
}

/// A part of a field on its way to this rank, or from it.
struct Parcel {
  size_t slide;
  Region region;
  at::Tensor values;
  std::unique_ptr<Message> message;
};

}  // namespace

Region LayeredRun::own(const Slide& slide, LayerId layer, int rank) const {
  const Region& pixels = slide.input.own_pixels[static_cast<size_t>(rank)];
  return owned_part(pixels, slide.extents[index(layer)], strides_[index(layer)]);
}

Region LayeredRun::held(const Slide& slide, LayerId layer, int rank) const {
  const Region& pixels = slide.input.own_pixels[static_cast<size_t>(rank)];
  return held_part(pixels, slide.extents[index(layer)], strides_[index(layer)]);
}

Region LayeredRun::given(size_t slide, LayerId layer, int from, int to) const {
  return intersect(own(slides_[slide], layer, from), held(slides_[slide], layer, to));
}

/// A margin may be wider than a neighbour's part, so every rank is asked.
void LayeredRun::exchange(LayerId layer, Fields Slide::*fields) {
  const int me = inputs_.ranks.rank();
  const auto i = index(layer);
  const int64_t channels = graph_.layer(layer).channels;
  std::vector<Parcel> sent;
  std::vector<Parcel> received;
  for (size_t s = 0; s < slides_.size(); ++s) {
    const Slide& slide = slides_[s];
    for (int other = 0; other < inputs_.ranks.size(); ++other) {
      if (other == me) continue;
      const Region out = given(s, layer, me, other);
      const Region in = given(s, layer, other, me);
      if (!in.empty()) {
        received.push_back(
            {s, in, empty_tile(channels, in.extent(), (slide.*fields)[i]->dtype()), nullptr});
        Parcel& parcel = received.back();
        parcel.message = inputs_.ranks.receive(other, kTag, bytes_of(parcel.values));
      }
      if (out.empty()) continue;
      at::Tensor copy = empty_tile(channels, out.extent(), (slide.*fields)[i]->dtype());
      copy.copy_((slide.*fields)[i]->read(out));
      sent.push_back({s, out, copy, inputs_.ranks.send(other, kTag, bytes_of(copy))});
    }
  }
  for (const Parcel& parcel : sent) parcel.message->wait();
  for (const Parcel& parcel : received) {
    parcel.message->wait();
    (slides_[parcel.slide].*fields)[i]->write(parcel.region, parcel.values);
  }
}

}  // namespace untiled
