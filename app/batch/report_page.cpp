#include "app/batch/report_page.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "lib/output/markup.h"
#include "lib/output/page.h"

namespace untiled {
namespace {

constexpr const char* kStyle = R"(
.counts span{margin-right:1rem;white-space:nowrap}
.failed{color:var(--bad)}.empty{color:var(--odd)}.ok{color:var(--good)}
.sheet{display:grid;grid-template-columns:repeat(auto-fill,minmax(150px,1fr));gap:.7rem;margin:1rem 0}
.card{border:1px solid var(--line);border-radius:6px;padding:.4rem;overflow:hidden;font-size:.8rem}
.card.failed,.card.empty{color:inherit}
.card.failed{border-color:var(--bad)}.card.empty{border-color:var(--odd)}
.card img,.card .none{width:100%;height:130px;object-fit:contain;display:block;background:#8881}
.card .none{display:grid;place-items:center;color:var(--dim)}
.card b{display:block;overflow-wrap:anywhere}
table{width:100%}
td.why{min-width:16rem;overflow-wrap:anywhere}
th button{font:inherit;font-weight:600;border:0;background:none;color:inherit;padding:0;cursor:pointer}
@media(max-width:700px){
thead tr{display:flex;flex-wrap:wrap}
tbody tr{display:grid;grid-template-columns:1fr auto auto auto;border-bottom:1px solid var(--line)}
th,td{border:0}td:empty{display:none}
td:first-child,td.why{grid-column:1/-1;overflow-wrap:anywhere}td:first-child{font-weight:600}
td.why{padding-top:0;min-width:0}
}
th[aria-sort=ascending] button::after{content:" \25B2"}
th[aria-sort=descending] button::after{content:" \25BC"}
)";

constexpr const char* kScript = R"(
document.querySelectorAll('th').forEach((th,column)=>th.firstChild.addEventListener('click',()=>{
 const down=th.getAttribute('aria-sort')==='ascending';
 document.querySelectorAll('th').forEach(o=>o.removeAttribute('aria-sort'));
 th.setAttribute('aria-sort',down?'descending':'ascending');
 const body=document.querySelector('tbody'),key=r=>r.cells[column].dataset.key;
 const rows=[...body.rows],numbers=rows.every(r=>key(r)===''||!isNaN(key(r)));
 rows.sort((a,b)=>{const x=key(a),y=key(b);
  if(x===''||y==='')return (x==='')-(y==='');
  const order=numbers?x-y:x.localeCompare(y,undefined,{numeric:true});
  return down?-order:order});
 body.append(...rows);
}));
)";

/// Reasons, warnings and doubts, in that order.
std::string remarks(const SlideReport& report) {
  std::vector<std::string> all;
  if (!report.reason.empty()) all.push_back(report.reason);
  all.insert(all.end(), report.warnings.begin(), report.warnings.end());
  all.insert(all.end(), report.confidence_reasons.begin(), report.confidence_reasons.end());
  return escape_markup(fmt::format("{}", fmt::join(all, "; ")));
}

std::string card(const ReportCard& entry) {
  const SlideReport& report = entry.report;
  const std::string picture = entry.thumbnail_jpeg.empty()
                                  ? "<div class=\"none\">no picture</div>"
                                  : fmt::format(R"(<img loading="lazy" alt="" src="{}">)",
                                                data_uri("image/jpeg", entry.thumbnail_jpeg));
  std::string facts = to_string(report.status);
  if (report.tissue_fraction) {
    facts += fmt::format(", {:.1f} %", 100 * *report.tissue_fraction);
  }
  return fmt::format(R"(<div class="card {0}" title="{3}">{1}<b>{2}</b>{4}</div>)"
                     "\n",
                     to_string(report.status), picture, escape_markup(report.slide_id),
                     remarks(report), facts);
}

std::string cell(const std::string& text, const std::string& key, const char* kind = "") {
  return fmt::format(R"(<td{}{} data-key="{}">{}</td>)", *kind == 0 ? "" : " class=", kind, key,
                     text);
}

std::string number(const std::optional<double>& value, int digits, double factor = 1) {
  if (!value) return cell("", "", "n");
  return cell(fmt::format("{:.{}f}", *value * factor, digits), fmt::format("{}", *value), "n");
}

std::string status_cell(SlideStatus status) {
  const std::string name = to_string(status);
  return fmt::format(R"(<td class="{0}" data-key="{0}">{0}</td>)", name);
}

std::string table_row(const SlideReport& report) {
  const std::string id = escape_markup(report.slide_id);
  const std::string why = remarks(report);
  std::string objects = cell("", "", "n");
  if (report.objects) objects = number(static_cast<double>(*report.objects), 0);
  std::string size = cell("", "", "n");
  if (!report.extent.empty()) {
    size = cell(fmt::format("{} x {}", report.extent.cols, report.extent.rows),
                fmt::format("{}", report.extent.area()), "n");
  }
  return "<tr>" + cell(id, id) + status_cell(report.status) +
         number(report.tissue_fraction, 1, 100) + number(report.area_mm2, 2) + objects +
         number(report.confidence, 2) + size + number(report.mpp_x, 4) + cell(why, why, "why") +
         "</tr>\n";
}

constexpr std::array kColumns = {"slide",           "status", "tissue %",
                                 "area mm\xC2\xB2", "pieces", "confidence",
                                 "width x height",  "mpp",    "remarks"};

std::string table(const std::vector<ReportCard>& cards) {
  std::string html = "<div class=\"scroll\"><table><thead><tr>";
  for (const char* column : kColumns) {
    html += fmt::format("<th scope=\"col\"><button>{}</button></th>", column);
  }
  html += "</tr></thead><tbody>\n";
  for (const ReportCard& entry : cards) html += table_row(entry.report);
  return html + "</tbody></table></div>\n";
}

/// Failures first, then empty ones and those with remarks, each group in the order of the batch.
int urgency(const SlideReport& report) {
  if (report.status == SlideStatus::kFailed) return 0;
  if (report.status == SlideStatus::kEmpty) return 1;
  return report.warnings.empty() && report.confidence_reasons.empty() ? 3 : 2;
}

std::string counts(const std::vector<ReportCard>& cards) {
  std::string html = "<p class=\"counts\">";
  for (const SlideStatus status : {SlideStatus::kFailed, SlideStatus::kEmpty, SlideStatus::kOk}) {
    const auto count = std::count_if(cards.begin(), cards.end(), [status](const ReportCard& entry) {
      return entry.report.status == status;
    });
    html += fmt::format("<span class=\"{0}\">{1} {0}</span>", to_string(status), count);
  }
  return html + "</p>\n";
}

}  // namespace

std::string report_page(const std::vector<ReportCard>& cards) {
  std::vector<ReportCard> sorted = cards;
  std::stable_sort(sorted.begin(), sorted.end(), [](const ReportCard& a, const ReportCard& b) {
    return urgency(a.report) < urgency(b.report);
  });
  std::string sheet;
  for (const ReportCard& entry : sorted) sheet += card(entry);
  const std::string title = fmt::format("{} slides", cards.size());
  return html_page("untiled: " + title, kStyle,
                   fmt::format("<h1>{}</h1>\n{}{}<div class=\"sheet\">\n{}</div>\n"
                               "<script>{}</script>\n",
                               title, counts(cards), table(sorted), sheet, kScript));
}

}  // namespace untiled
