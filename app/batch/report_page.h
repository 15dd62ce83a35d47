// report.html: one page of a batch that needs no other file and no network.
#pragma once

#include <string>
#include <vector>

#include "app/batch/slide_report.h"

namespace untiled {

/// One slide on the page.
struct ReportCard {
  SlideReport report;
  std::string thumbnail_jpeg;  ///< Empty: none.
};

/// A contact sheet and a table that sorts by any column, failures first, then slides with
/// warnings. HTML 5, UTF-8; thumbnails are inlined.
std::string report_page(const std::vector<ReportCard>& cards);

}  // namespace untiled
