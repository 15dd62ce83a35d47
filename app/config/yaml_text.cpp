#include "app/config/yaml_text.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>

#include <map>
#include <sstream>
#include <vector>

#include "lib/core/error.h"

namespace untiled {
namespace {

constexpr size_t kMostLevels = 32;
constexpr int64_t kMostValues = 100'000;
constexpr size_t kMostBytes = 4 << 20;

/// What is wrong with a text that is YAML, and where.
class Refused : public YAML::Exception {
 public:
  using YAML::Exception::Exception;
};

/// Follows the events of a document before nodes are made of it.
class Bounds : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& /*mark*/) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { add(mark, anchor, 1); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto open = sizes_.find(anchor);
    if (open == sizes_.end()) throw Refused(mark, "an alias (*) stands for what it is a part of");
    add(mark, 0, open->second);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                const std::string& /*value*/) override {
    add(mark, anchor, 1);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    open(mark, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    open(mark, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Group {
    YAML::anchor_t anchor;
    int64_t values_before;
  };

  void add(const YAML::Mark& mark, YAML::anchor_t anchor, int64_t values) {
    values_ += values;
    if (values_ > kMostValues) {
      throw Refused(mark, fmt::format("it stands for more than {} values", kMostValues));
    }
    if (anchor != 0) sizes_[anchor] = values;
  }
  void open(const YAML::Mark& mark, YAML::anchor_t anchor) {
    groups_.push_back({anchor, values_});
    add(mark, 0, 1);
    if (groups_.size() > kMostLevels) {
      throw Refused(mark, fmt::format("it is nested more than {} levels deep", kMostLevels));
    }
  }
  void close() {
    const Group group = groups_.back();
    groups_.pop_back();
    if (group.anchor != 0) sizes_[group.anchor] = values_ - group.values_before;
  }

  std::vector<Group> groups_;
  std::map<YAML::anchor_t, int64_t> sizes_;  ///< In values, of what is complete.
  int64_t values_ = 0;
};

/// yaml-cpp's parser may find a further document without taking anything of the text for it.
void require_one_document(const std::string& text, const std::string& name) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  Bounds bounds;
  if (!parser.HandleNextDocument(bounds)) return;
  Bounds further;
  if (!parser.HandleNextDocument(further)) return;
  throw ConfigError(
      fmt::format("{}: expected one YAML document, found more; remove '---' or what follows the "
                  "first one's end",
                  name));
}

}  // namespace

YAML::Node parse_yaml(const std::string& text, const std::string& name, bool has_lines) {
  if (text.size() > kMostBytes) {
    throw ConfigError(fmt::format("{}: has {} bytes, and settings have at most {}", name,
                                  text.size(), kMostBytes));
  }
  try {
    require_one_document(text, name);
    return YAML::Load(text);
  } catch (const YAML::Exception& error) {
    const std::string place = has_lines ? fmt::format("{}:{}", name, error.mark.line + 1) : name;
    throw ConfigError(fmt::format("{}: is not valid YAML: {}", place, error.msg));
  }
}

}  // namespace untiled
