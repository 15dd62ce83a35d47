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
nav a,.counts span{margin-right:1rem}
.failed{color:var(--bad)}.empty{color:var(--odd)}.ok{color:var(--good)}
.sheet{display:grid;grid-template-columns:repeat(auto-fill,minmax(150px,1fr));gap:.7rem;margin:1rem 0}
.card{border:1px solid var(--line);border-radius:6px;padding:.4rem;overflow:hidden;font-size:.8rem;
 color:inherit;content-visibility:auto;contain-intrinsic-size:auto 190px}
.card.failed{border-color:var(--bad)}.card.empty{border-color:var(--odd)}
.card img,.card .none{width:100%;height:130px;object-fit:contain;display:block;background:#8881}
.card .none{display:grid;place-items:center;color:var(--dim)}
.card b{display:block;overflow-wrap:anywhere}
.card small{display:-webkit-box;-webkit-line-clamp:3;-webkit-box-orient:vertical;overflow:hidden;
 overflow-wrap:anywhere}
table{width:100%}
td:first-child{overflow-wrap:anywhere;min-width:9rem}
td.n{white-space:nowrap}
td.why{min-width:16rem;overflow-wrap:anywhere}
th button{font:inherit;font-weight:600;border:0;background:none;color:inherit;padding:0;cursor:pointer}
@media(min-width:961px){.scroll{overflow:visible}thead th{position:sticky;top:0;background:Canvas}}
@media(max-width:960px){
thead tr{display:flex;flex-wrap:wrap;align-items:center;gap:.4rem}
thead tr::before{content:"sort by";color:var(--dim);font-size:.85rem}
th{padding:0;border:0}
th button{border:1px solid var(--line);border-radius:1rem;padding:.45rem .8rem;font-weight:400}
tbody tr{display:flex;flex-wrap:wrap;gap:.15rem 1rem;padding:.5rem 0;border-bottom:1px solid var(--line)}
td{border:0;padding:0}
td:first-child,td.why{flex:0 0 100%;min-width:0}
td:first-child{font-weight:600}
td:empty{display:none}
td.n::before{content:attr(data-name) " ";color:var(--dim)}
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
    facts += fmt::format(", {:.1f} % tissue", 100 * *report.tissue_fraction);
  }
  if (const auto dice = dice_of(report)) facts += fmt::format(", Dice {:.4f}", *dice);
  const std::string why =
      report.reason.empty() ? "" : fmt::format("<small>{}</small>", escape_markup(report.reason));
  return fmt::format(R"(<div class="card {0}" title="{3}">{1}<b>{2}</b>{4}{5}</div>)"
                     "\n",
                     to_string(report.status), picture, escape_markup(report.slide_id),
                     remarks(report), facts, why);
}

/// A cell with what it is sorted by.
std::string cell(const std::string& text, const std::string& key, const char* kind = "") {
  return fmt::format(R"(<td{}{} data-key="{}">{}</td>)", *kind == 0 ? "" : " class=", kind, key,
                     text);
}

/// A cell that names itself where no header stands above it.
std::string number_cell(const char* name, const std::string& text, const std::string& key) {
  return fmt::format(R"(<td class="n" data-name="{}" data-key="{}">{}</td>)", name, key, text);
}

std::string number(const char* name, const std::optional<double>& value, int digits,
                   double factor = 1) {
  if (!value) return number_cell(name, "", "");
  return number_cell(name, fmt::format("{:.{}f}", *value * factor, digits),
                     fmt::format("{}", *value));
}

/// Failures sort first.
std::string status_cell(SlideStatus status) {
  const int order = status == SlideStatus::kFailed ? 0 : status == SlideStatus::kEmpty ? 1 : 2;
  return fmt::format(R"(<td class="{0}" data-key="{1}">{0}</td>)", to_string(status), order);
}

constexpr std::array kColumns = {"slide",
                                 "status",
                                 "tissue %",
                                 "area mm\xC2\xB2",
                                 "pieces",
                                 "confidence",
                                 "width \xC3\x97 height",
                                 "\xC2\xB5m per pixel",
                                 "remarks"};

constexpr const char* kDice = "Dice";

/// `scored`: the table has a column of Dice.
std::string table_row(const SlideReport& report, bool scored) {
  const std::string id = escape_markup(report.slide_id);
  const std::string why = remarks(report);
  std::optional<double> objects;
  if (report.objects) objects = static_cast<double>(*report.objects);
  std::string size = number_cell(kColumns[6], "", "");
  if (!report.extent.empty()) {
    size = number_cell(kColumns[6],
                       fmt::format("{} \xC3\x97 {}", report.extent.cols, report.extent.rows),
                       fmt::format("{}", report.extent.area()));
  }
  const std::string dice = scored ? number(kDice, dice_of(report), 4) : "";
  return "<tr>" + cell(id, id) + status_cell(report.status) + dice +
         number(kColumns[2], report.tissue_fraction, 1, 100) +
         number(kColumns[3], report.area_mm2, 2) + number(kColumns[4], objects, 0) +
         number(kColumns[5], report.confidence, 2) + size + number(kColumns[7], report.mpp_x, 4) +
         cell(why, why, "why") + "</tr>\n";
}

std::string table(const std::vector<ReportCard>& cards) {
  const bool scored = std::any_of(cards.begin(), cards.end(),
                                  [](const ReportCard& entry) { return has_scores(entry.report); });
  std::vector<const char*> columns(kColumns.begin(), kColumns.end());
  constexpr int kAfterStatus = 2;
  if (scored) columns.insert(columns.begin() + kAfterStatus, kDice);
  std::string html = "<div class=\"scroll\" id=\"table\"><table><thead><tr>";
  for (const char* column : columns) {
    html += fmt::format("<th scope=\"col\"><button>{}</button></th>", column);
  }
  html += "</tr></thead><tbody>\n";
  for (const ReportCard& entry : cards) html += table_row(entry.report, scored);
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
    html += fmt::format("<span class=\"{}\">{} {}</span> ", count > 0 ? to_string(status) : "none",
                        count, to_string(status));
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
                   fmt::format("<h1>{}</h1>\n<nav><a href=\"#table\">table</a> "
                               "<a href=\"#pictures\">pictures</a></nav>\n{}{}"
                               "<div class=\"sheet\" id=\"pictures\">\n{}</div>\n"
                               "<script>{}</script>\n",
                               title, counts(cards), table(sorted), sheet, kScript));
}

}  // namespace untiled
