// zarr.json and .zarray: what is understood is written and understood as the same again.
#include "lib/zarr/array_metadata.h"
#include "lib/zarr/shard_index.h"
#include "tests/fuzz/fuzz.h"

using namespace untiled;

UNTILED_FUZZ_TARGET({
  for (const ZarrFormat format : {ZarrFormat::kV3, ZarrFormat::kV2}) {
    refusing([&] {
      const ArrayMetadata array = parse_array(as_text(bytes), format);
      if (chunk_bytes(array) > kMostChunkBytes || index_bytes(array) > kMostChunkBytes + 4) {
        std::abort();
      }
      chunk_grid(array);
      file_grid(array);
      byte_strides(array);
    });
  }
})
