#include "data/stain/reference_stains.h"

#include <fmt/format.h>

#include "data/slide/view.h"
#include "lib/core/error.h"
#include "lib/filters/stain_file.h"

namespace untiled {

filters::Stains stains_of(const std::filesystem::path& slide,
                          const filters::ColorHistogram& histogram) {
  try {
    return filters::macenko_stains(histogram);
  } catch (const DataError& error) {
    throw DataError(fmt::format("{} {}", slide.string(), error.what()));
  }
}

filters::Stains reference_stains(const std::filesystem::path& path, int workers) {
  if (path.empty()) return filters::kReferenceStains;
  if (path.extension() == ".json") return filters::read_stains(path);
  const auto view = make_view(open_slide(path), {});
  return stains_of(path, filters::count_colors(*view, workers).histogram);
}

}  // namespace untiled
