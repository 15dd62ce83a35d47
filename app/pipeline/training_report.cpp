#include "app/pipeline/training_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "data/cohort/csv.h"
#include "data/slide/png_image.h"
#include "lib/core/atomic_file.h"
#include "lib/core/number.h"
#include "lib/core/progress.h"
#include "lib/core/statistics.h"
#include "lib/output/charts.h"
#include "lib/output/jpeg_encoder.h"
#include "lib/output/markup.h"
#include "lib/output/page.h"
#include "lib/output/preview.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;

constexpr PictureColor kBlue = {40, 90, 200};
constexpr PictureColor kOrange = {210, 110, 20};
constexpr std::array<PictureColor, 6> kClassColors = {
    {{30, 130, 60}, {160, 40, 140}, {0, 130, 140}, {150, 90, 40}, {110, 110, 0}, {190, 30, 60}}};

constexpr const char* kStyle = R"(
img{max-width:100%;height:auto;background:#fff}
.curves{min-width:650px}
figure{margin:0 0 1rem}
figcaption{color:var(--dim);font-size:.85rem}
pre{white-space:pre-wrap;overflow-wrap:anywhere;font-size:.8rem}
summary{cursor:pointer;font-weight:600;margin:.6rem 0}
)";

double number_of(const std::string& text) {
  return parse_number<double>(text).value_or(std::numeric_limits<double>::quiet_NaN());
}

/// A table of numbers; NaN where a cell is empty.
class Columns {
 public:
  explicit Columns(const fs::path& file) {
    const std::vector<CsvRow> rows = read_csv(file);
    if (rows.empty()) return;
    names_ = rows.front().fields;
    for (auto row = rows.begin() + 1; row != rows.end(); ++row) {
      for (size_t i = 0; i < names_.size() && i < row->fields.size(); ++i) {
        values_[names_[i]].push_back(number_of(row->fields[i]));
      }
    }
  }

  /// In the order of the file.
  const std::vector<std::string>& names() const { return names_; }
  std::vector<double> values(const std::string& name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? std::vector<double>{} : found->second;
  }
  Curve curve(const std::string& name, const std::string& shown, const PictureColor& color) const {
    Curve curve{shown, color, values("step"), values(name)};
    curve.x.resize(curve.y.size());
    return curve;
  }

 private:
  std::vector<std::string> names_;
  std::map<std::string, std::vector<double>> values_;
};

std::vector<double> defined(std::vector<double> values) {
  std::erase_if(values, [](double value) { return std::isnan(value); });
  return values;
}

std::vector<Chart> charts_of(const Columns& metrics) {
  constexpr std::string_view kClassDice = "validation_dice_";
  Chart dice{"Dice", {metrics.curve("validation_dice", "mean", kOrange)}};
  for (const std::string& name : metrics.names()) {
    if (!name.starts_with(kClassDice)) continue;
    const PictureColor& color = kClassColors[(dice.curves.size() - 1) % kClassColors.size()];
    dice.curves.push_back(metrics.curve(name, name.substr(kClassDice.size()), color));
  }
  return {{"loss",
           {metrics.curve("loss", "training", kBlue),
            metrics.curve("validation_loss", "validation", kOrange)}},
          std::move(dice),
          {"learning rate", {metrics.curve("learning_rate", "", kBlue)}}};
}

/// "step 120, loss 0.0312, Dice 0.9871 (best 0.9902 at step 100), 2.1 s a step".
std::string facts(const Columns& metrics, const Columns& timings) {
  const std::vector<double> steps = metrics.values("step");
  if (steps.empty()) return "no step yet";
  std::string text =
      fmt::format("step {:.0f}, loss {:.4g}", steps.back(), metrics.values("loss").back());
  const std::vector<double> dice = metrics.values("validation_dice");
  std::optional<size_t> best;
  for (size_t i = 0; i < dice.size(); ++i) {
    if (!std::isnan(dice[i]) && (!best || dice[i] > dice[*best])) best = i;
  }
  if (best) {
    text += fmt::format(", Dice {:.4f} (best {:.4f} at step {:.0f})", defined(dice).back(),
                        dice[*best], steps[*best]);
  }
  return text + fmt::format(", {} a step", format_duration(median(timings.values("step_seconds"))));
}

/// The longest first. Parts of tiles that several workers made at once are added up.
std::string timings_table(const Columns& timings) {
  constexpr std::string_view kEnding = "_seconds";
  std::vector<std::tuple<double, double, std::string>> parts;
  for (const std::string& name : timings.names()) {
    if (!name.ends_with(kEnding)) continue;
    const std::vector<double> seconds = defined(timings.values(name));
    double sum = 0;
    for (const double value : seconds) sum += value;
    parts.emplace_back(sum, median(seconds), name.substr(0, name.size() - kEnding.size()));
  }
  std::sort(parts.rbegin(), parts.rend());
  std::string html =
      "<div class=\"scroll\"><table><tr><th>part</th><th>seconds in all</th>"
      "<th>median of a step</th></tr>\n";
  for (const auto& [sum, middle, name] : parts) {
    html +=
        fmt::format("<tr><td>{}</td><td class=\"n\">{:.2f}</td><td class=\"n\">{:.3f}</td></tr>\n",
                    escape_markup(name), sum, middle);
  }
  return html + "</table></div>\n";
}

/// At most `count` of them at even distances, the last among them.
std::vector<fs::path> some_of(std::vector<fs::path> files, size_t count) {
  std::sort(files.begin(), files.end());
  if (files.size() <= count) return files;
  std::vector<fs::path> some;
  for (size_t i = 0; i < count; ++i) some.push_back(files[i * (files.size() - 1) / (count - 1)]);
  return some;
}

/// Previews by slide.
std::map<std::string, std::vector<fs::path>> previews_in(const fs::path& folder) {
  std::map<std::string, std::vector<fs::path>> slides;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().stem().string();
    const size_t slide = name.find('_');
    const bool is_preview = name.starts_with("step") && it->path().extension() == ".png";
    if (slide == std::string::npos || !is_preview) continue;
    slides[name.substr(slide + 1)].push_back(it->path());
  }
  return slides;
}

/// Of "step000020_<slide>.png".
int64_t step_of(const fs::path& preview) {
  const std::string name = preview.filename().string();
  constexpr size_t kDigits = std::string_view("step").size();
  return parse_number<int64_t>(name.substr(kDigits, name.find('_') - kDigits)).value_or(0);
}

/// A small copy: a page with many pictures should open at once.
std::string figure_of(const fs::path& preview) {
  constexpr Extent kMost = {700, 1000};
  constexpr int kQuality = 85;
  PngImage image = decode_png(preview);
  const Extent extent = fit_into(image.extent, kMost);
  const Picture small = shrink({image.extent, std::move(image.pixels)}, extent);
  const Bytes jpeg = encode_jpeg(small.rgb, extent, kQuality);
  return fmt::format(
      "<figure><figcaption>step {}</figcaption><img alt=\"preview\" src=\"{}\"></figure>\n",
      step_of(preview), data_uri("image/jpeg", std::string(jpeg.begin(), jpeg.end())));
}

std::string previews_html(const fs::path& folder) {
  constexpr size_t kMostSlides = 8;
  constexpr size_t kMostSteps = 4;
  const auto slides = previews_in(folder);
  std::string html;
  size_t shown = 0;
  for (const auto& [slide, files] : slides) {
    if (shown++ == kMostSlides) {
      return html + fmt::format("<p>{} more slides in the folder previews</p>\n",
                                slides.size() - kMostSlides);
    }
    html += fmt::format("<h3>{}</h3>\n", escape_markup(slide));
    for (const fs::path& file : some_of(files, kMostSteps)) html += figure_of(file);
  }
  return html;
}

std::string file_html(const fs::path& file) {
  return fmt::format("<details><summary>{}</summary><pre>{}</pre></details>\n",
                     file.filename().string(), escape_markup(read_file(file)));
}

}  // namespace

void write_training_report(const RunFolder& folder) {
  const Columns metrics(folder.metrics());
  const Columns timings(folder.timings());
  write_picture(folder.curves(), draw_charts(charts_of(metrics)));
  const std::string body = fmt::format(
      "<h1>A training run</h1>\n<p>{}</p>\n<div class=\"scroll\"><img class=\"curves\" "
      "alt=\"curves of loss, Dice and learning rate\" src=\"{}\"></div>\n"
      "<h2>Previews</h2>\n{}<h2>Time</h2>\n{}<h2>Settings and origin</h2>\n{}{}",
      facts(metrics, timings), data_uri("image/png", read_file(folder.curves())),
      previews_html(folder.previews()), timings_table(timings), file_html(folder.settings()),
      file_html(folder.provenance()));
  write_file(folder.report(), html_page("untiled: a training run", kStyle, body));
}

}  // namespace untiled
