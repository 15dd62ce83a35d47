// The filters, each a row function over the operations of filter_rows.h.
#pragma once

#include <memory>

#include "lib/filters/filter_rows.h"
#include "lib/filters/filter_spec.h"
#include "lib/filters/recoloring.h"
#include "lib/filters/row_filter.h"

namespace untiled::filters {

/// A chain's filters for a slide's bytes. `recoloring` is macenko's table; null where the chain
/// has no macenko. `rows` must outlive them.
std::vector<RowFilter> make_row_filters(const std::vector<FilterSpec>& chain,
                                        const FilterRows& rows,
                                        const std::shared_ptr<const Recoloring>& recoloring);

}  // namespace untiled::filters
