#include "app/batch/report_page.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "lib/output/markup.h"

namespace untiled {
namespace {

constexpr const char* kStyle = R"(
:root{color-scheme:light dark;--line:#8884;--dim:#777;--bad:#c62828;--odd:#b26a00;--good:#2e7d32}
*{box-sizing:border-box}
body{font:15px/1.45 system-ui,sans-serif;margin:0 auto;max-width:1500px;padding:1rem}
h1{font-size:1.3rem;margin:.2rem 0}
.counts span{margin-right:1rem;white-space:nowrap}
.failed{color:var(--bad)}.empty{color:var(--odd)}.ok{color:var(--good)}
.sheet{display:grid;grid-template-columns:repeat(auto-fill,minmax(150px,1fr));gap:.7rem;margin:1rem 0}
.card{border:1px solid var(--line);border-radius:6px;padding:.4rem;overflow:hidden;font-size:.8rem}
.card.failed,.card.empty{color:inherit}
.card.failed{border-color:var(--bad)}.card.empty{border-color:var(--odd)}
.card img,.card .none{width:100%;height:130px;object-fit:contain;display:block;background:#8881}
.card .none{display:grid;place-items:center;color:var(--dim)}
.card b{display:block;overflow-wrap:anywhere}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.85rem}
th,td{text-align:left;padding:.3rem .5rem;border-bottom:1px solid var(--line);vertical-align:top}
td.n{text-align:right;font-variant-numeric:tabular-nums}
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

/// RFC 4648.
std::string base64(const std::string& bytes) {
  static constexpr char kDigits[] =  // NOLINT(modernize-avoid-c-arrays): a string
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j) {
      group = group << 8 | (i + j < bytes.size() ? static_cast<uint8_t>(bytes[i + j]) : 0U);
    }
    for (size_t j = 0; j < 4; ++j) {
      out += i + j <= bytes.size() ? kDigits[group >> (18 - 6 * j) & 63] : '=';
    }
  }
  return out;
}

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
  const std::string picture =
      entry.thumbnail_jpeg.empty()
          ? "<div class=\"none\">no picture</div>"
          : fmt::format(R"(<img loading="lazy" alt="" src="data:image/jpeg;base64,{}">)",
                        base64(entry.thumbnail_jpeg));
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
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
      "<title>untiled: {0} slides</title><style>{1}</style></head><body>\n"
      "<h1>{0} slides</h1>\n{2}{3}<div class=\"sheet\">\n{4}</div>\n"
      "<script>{5}</script></body></html>\n",
      cards.size(), kStyle, counts(cards), table(sorted), sheet, kScript);
}

}  // namespace untiled
