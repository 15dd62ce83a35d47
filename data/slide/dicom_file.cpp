#include "data/slide/dicom_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "data/slide/block_decoder.h"
#include "data/slide/file_kind.h"
#include "data/slide/jpeg.h"
#include "data/slide/jpeg2000_codestream.h"
#include "data/slide/number.h"
#include "data/slide/side_limit.h"
#include "lib/core/error.h"

namespace untiled {
namespace {

namespace fs = std::filesystem;

constexpr uint32_t kUndefinedLength = 0xFFFFFFFF;
constexpr uint64_t kFirstElement = 132;  ///< Behind the preamble and "DICM".
/// A frame's stream, and a value, are no longer.
constexpr uint64_t kMostFrameBytes = uint64_t{64} << 20;
constexpr uint64_t kMostValueBytes = 1 << 10;

struct Tag {
  uint16_t group = 0;
  uint16_t element = 0;
  friend constexpr bool operator==(const Tag&, const Tag&) = default;
};

constexpr Tag kTransferSyntax = {0x0002, 0x0010};
constexpr Tag kImageType = {0x0008, 0x0008};
constexpr Tag kSeries = {0x0020, 0x000E};
constexpr Tag kSamples = {0x0028, 0x0002};
constexpr Tag kPhotometric = {0x0028, 0x0004};
constexpr Tag kFrames = {0x0028, 0x0008};
constexpr Tag kRows = {0x0028, 0x0010};
constexpr Tag kCols = {0x0028, 0x0011};
constexpr Tag kConcatenation = {0x0020, 0x9161};
constexpr Tag kOrganization = {0x0020, 0x9311};
constexpr Tag kTotalCols = {0x0048, 0x0006};
constexpr Tag kTotalRows = {0x0048, 0x0007};
constexpr Tag kFrameCol = {0x0048, 0x021E};
constexpr Tag kOpticalPaths = {0x0048, 0x0302};
constexpr Tag kFocalPlanes = {0x0048, 0x0303};
constexpr Tag kFrameList = {0x5200, 0x9230};
constexpr Tag kPixelData = {0x7FE0, 0x0010};
constexpr Tag kItem = {0xFFFE, 0xE000};
constexpr Tag kItemEnd = {0xFFFE, 0xE00D};
constexpr Tag kSequenceEnd = {0xFFFE, 0xE0DD};

/// A file whose bytes are taken one after the other, in pieces.
class ByteStream {
 public:
  explicit ByteStream(const fs::path& path) : file_(path), size_(file_.size()) {}

  uint64_t position() const { return position_; }
  void skip_to(uint64_t position) { position_ = position; }
  bool has(uint64_t count) const { return position_ <= size_ && count <= size_ - position_; }

  /// A little-endian number of `count` bytes, which must be there.
  uint32_t number(uint64_t count) {
    uint32_t value = 0;
    for (uint64_t i = 0; i < count; ++i) value |= uint32_t{byte()} << (8 * i);
    return value;
  }

  Bytes bytes(uint64_t count) {
    Bytes bytes = file_.read(position_, count);
    position_ += count;
    return bytes;
  }

 private:
  uint8_t byte() {
    if (position_ < piece_begin_ || position_ >= piece_begin_ + piece_.size()) {
      constexpr uint64_t kPieceBytes = 64 << 10;
      piece_begin_ = position_;
      piece_ = file_.read(position_, std::min(kPieceBytes, size_ - position_));
    }
    return piece_[position_++ - piece_begin_];
  }

  PositionedFile file_;
  uint64_t size_;
  uint64_t position_ = kFirstElement;
  uint64_t piece_begin_ = 0;
  Bytes piece_;
};

struct Element {
  Tag tag;
  uint32_t length = 0;
  bool is_sequence = false;
};

/// Items and their ends have no kind of value.
std::optional<Element> read_element(ByteStream& stream) {
  constexpr uint64_t kShortHeader = 8;
  constexpr uint64_t kLongHeader = 12;
  if (!stream.has(kShortHeader)) return std::nullopt;
  Element element;
  element.tag.group = static_cast<uint16_t>(stream.number(2));
  element.tag.element = static_cast<uint16_t>(stream.number(2));
  if (element.tag.group == kItem.group) {
    element.length = stream.number(4);
    return element;
  }
  const auto first = static_cast<char>(stream.number(1));
  const auto second = static_cast<char>(stream.number(1));
  const std::array<char, 2> kind = {first, second};
  if (first < 'A' || first > 'Z' || second < 'A' || second > 'Z') return std::nullopt;
  constexpr std::array<std::string_view, 12> kLong = {"OB", "OD", "OF", "OL", "OV", "OW",
                                                      "SQ", "SV", "UC", "UN", "UR", "UT"};
  const std::string_view name(kind.data(), kind.size());
  element.is_sequence = name == "SQ";
  const bool is_long = name == "UV" || std::find(kLong.begin(), kLong.end(), name) != kLong.end();
  if (!is_long) {
    element.length = stream.number(2);
    return element;
  }
  if (!stream.has(kLongHeader - 6)) return std::nullopt;
  stream.number(2);
  element.length = stream.number(4);
  return element;
}

std::string text(const Bytes& bytes) {
  std::string value(bytes.begin(), bytes.end());
  value.erase(std::find(value.begin(), value.end(), '\0'), value.end());
  return std::string(trimmed(value));
}

/// The first frame of encapsulated pixels, behind the table of offsets; of a frame in several
/// fragments the first, which holds its header.
Bytes first_frame(ByteStream& stream) {
  for (int item = 0; item < 2; ++item) {
    const auto element = read_element(stream);
    if (!element || !(element->tag == kItem) || !stream.has(element->length)) return {};
    if (item == 1) return stream.bytes(std::min<uint64_t>(element->length, kMostFrameBytes));
    stream.skip_to(stream.position() + element->length);
  }
  return {};
}

/// How many elements `tag` stand in the sequence behind whose header the stream is. A sequence and
/// an item of no length end with an element of their own.
int64_t count_in_sequence(ByteStream& stream, const Element& sequence, const Tag& tag) {
  const bool is_open = sequence.length == kUndefinedLength;
  const uint64_t end = stream.position() + sequence.length;
  int64_t count = 0;
  int64_t depth = 1;
  while (depth > 0 && (is_open || stream.position() < end)) {
    const auto element = read_element(stream);
    if (!element) break;
    if (element->tag == kItemEnd || element->tag == kSequenceEnd) {
      if (is_open) --depth;
      continue;
    }
    if (element->tag == tag) ++count;
    if (element->length == kUndefinedLength) {
      if (is_open) ++depth;
      continue;
    }
    if (element->is_sequence || element->tag == kItem) continue;  // Its elements follow.
    if (!stream.has(element->length)) break;
    stream.skip_to(stream.position() + element->length);
  }
  if (!is_open) stream.skip_to(end);
  return count;
}

/// Whether the list of a file's frames, which may be long, is gone through.
enum class FrameList { kCounted, kPassedOver };

/// Reads the elements outside sequences up to the pixels.
class HeaderReader {
 public:
  HeaderReader(const fs::path& path, FrameList list) : stream_(path), list_(list) {}

  DicomFacts read() {
    while (const auto element = read_element(stream_)) {
      if (depth_ == 0 && element->tag == kPixelData) {
        facts_.has_pixels = true;
        if (element->length == kUndefinedLength) facts_.frame = first_frame(stream_);
        break;
      }
      if (!take(*element)) break;
    }
    return std::move(facts_);
  }

 private:
  /// Goes into what has no length, and over what has one.
  bool take(const Element& element) {
    if (element.tag == kItemEnd || element.tag == kSequenceEnd) {
      --depth_;
      return depth_ >= 0;
    }
    const bool is_counted = list_ == FrameList::kCounted && element.tag == kFrameList;
    if (is_counted && depth_ == 0 && element.is_sequence) {
      facts_.placed_frames = count_in_sequence(stream_, element, kFrameCol);
      return true;
    }
    if (element.length == kUndefinedLength) {
      ++depth_;
      return element.is_sequence || element.tag == kItem || depth_ > 1;
    }
    if (!stream_.has(element.length)) return false;
    const uint64_t end = stream_.position() + element.length;
    if (depth_ == 0) keep(element);
    stream_.skip_to(end);
    return true;
  }

  void keep(const Element& element) {
    if (element.tag == kConcatenation) facts_.is_concatenated = true;
    if (element.length > kMostValueBytes) return;
    const std::array<std::pair<Tag, std::string*>, 5> texts = {
        {{kTransferSyntax, &facts_.transfer_syntax},
         {kImageType, &facts_.image_type},
         {kSeries, &facts_.series},
         {kPhotometric, &facts_.photometric},
         {kOrganization, &facts_.organization}}};
    for (const auto& [tag, value] : texts) {
      if (element.tag == tag) *value = text(stream_.bytes(element.length));
    }
    const std::array<std::pair<Tag, int64_t*>, 7> numbers = {
        {{kSamples, &facts_.samples},
         {kRows, &facts_.frame_extent.rows},
         {kCols, &facts_.frame_extent.cols},
         {kTotalRows, &facts_.total.rows},
         {kTotalCols, &facts_.total.cols},
         {kOpticalPaths, &facts_.optical_paths},
         {kFocalPlanes, &facts_.focal_planes}}};
    for (const auto& [tag, value] : numbers) {
      const bool is_whole = element.length == 2 || element.length == 4;
      if (element.tag == tag && is_whole) *value = stream_.number(element.length);
    }
    if (element.tag == kFrames) {  // A number in letters.
      const auto frames = spelled_number<int64_t>(text(stream_.bytes(element.length)));
      facts_.frames = frames && *frames >= 0 ? *frames : INT64_MAX;
    }
  }

  ByteStream stream_;
  FrameList list_;
  DicomFacts facts_;
  int depth_ = 0;  ///< Sequences and items without a length around the element.
};

/// What becomes of the colours when OpenSlide decodes a stream as the header says.
enum class Outcome { kRgb, kYCbCr, kLost };

Outcome jpeg_outcome(const DicomFacts& facts) {
  const auto is_ycbcr = read_jpeg_header(facts.frame).is_ycbcr;
  const bool said_rgb = facts.photometric == "RGB";
  if (!is_ycbcr || *is_ycbcr != said_rgb) return Outcome::kRgb;
  return said_rgb ? Outcome::kYCbCr : Outcome::kLost;
}

/// A stream with a transform of its own becomes RGB whatever the header says.
Outcome jpeg2000_outcome(const DicomFacts& facts) {
  const Jpeg2000Codestream stream = read_jpeg2000_codestream(facts.frame);
  if (stream.components.size() != 3 || stream.transforms_color) return Outcome::kRgb;
  if (facts.photometric == "YBR_RCT") return Outcome::kLost;
  return facts.photometric == "YBR_ICT" ? Outcome::kYCbCr : Outcome::kRgb;
}

/// A damaged stream is refused, with its place, when it is read.
Outcome outcome_of(const DicomFacts& facts) {
  constexpr std::string_view kJpegBaseline = "1.2.840.10008.1.2.4.50";
  constexpr std::string_view kJpeg2000 = "1.2.840.10008.1.2.4.9";  // Without or with loss.
  try {
    if (facts.transfer_syntax == kJpegBaseline) return jpeg_outcome(facts);
    if (facts.transfer_syntax.starts_with(kJpeg2000)) return jpeg2000_outcome(facts);
  } catch (const DataError&) {
  }
  return Outcome::kRgb;
}

DicomColors colors_of(const fs::path& path, const DicomFacts& facts) {
  const Outcome outcome = outcome_of(facts);
  if (outcome == Outcome::kLost) {
    throw DataError(
        fmt::format("{} says that its colours are {}, which its pixel streams are not: correct its "
                    "PhotometricInterpretation, or convert the slide again",
                    path.string(), facts.photometric));
  }
  return outcome == Outcome::kYCbCr ? DicomColors::kYCbCr : DicomColors::kRgb;
}

/// Whether a file holds compressed pixels of a level of a series.
bool is_level_of(const std::optional<DicomFacts>& facts, const std::string& series) {
  return facts && facts->series == series && !facts->frame.empty() &&
         facts->image_type.find("VOLUME") != std::string::npos;
}

/// Whether a header is of a level of a slide, not of its label or its overview.
bool is_of_level(const DicomFacts& facts) {
  return facts.image_type.find("VOLUME") != std::string::npos;
}

/// Frames beside each other, and below one another, in a level.
Extent grid_of(const DicomFacts& facts) {
  return {ceil_div(facts.total.rows, facts.frame_extent.rows),
          ceil_div(facts.total.cols, facts.frame_extent.cols)};
}

bool has_grid(const DicomFacts& facts) {
  return facts.total.rows > 0 && facts.total.cols > 0 && facts.frame_extent.rows > 0 &&
         facts.frame_extent.cols > 0;
}

/// Tables of all frames are made as the file is opened.
void require_possible_frames(const fs::path& path, const DicomFacts& facts) {
  constexpr uint64_t kLeastBytes = 8;  // The header of a compressed frame's item.
  if (facts.frames < 0) return;
  const bool is_native = facts.has_pixels && facts.frame.empty();
  const bool is_known = facts.frame_extent.rows > 0 && facts.frame_extent.cols > 0;
  const auto native = static_cast<uint64_t>(std::max<int64_t>(1, facts.frame_extent.area()));
  const uint64_t bytes = is_native && is_known ? native : kLeastBytes;
  if (static_cast<uint64_t>(facts.frames) <= file_bytes(path) / bytes) return;
  throw DataError(fmt::format(
      "{} is damaged or cut short: it claims more frames than its {} bytes hold; copy it "
      "again",
      path.string(), file_bytes(path)));
}

/// What is not said to be whole lists its frames' places, by which it is read.
bool lists_frames(const DicomFacts& facts) {
  return facts.organization != "TILED_FULL" &&
         (facts.placed_frames >= 0 || !facts.organization.empty());
}

void require_placed_frames(const fs::path& path, const DicomFacts& facts) {
  if (facts.placed_frames == facts.frames) return;
  throw DataError(fmt::format(
      "{} is damaged: it says of {} of its {} frames where they belong; convert the slide again",
      path.string(), std::max<int64_t>(0, facts.placed_frames), facts.frames));
}

/// Frames of several optical paths and focal planes follow one another.
void require_filled_level(const fs::path& path, const DicomFacts& facts) {
  const int64_t grid = grid_of(facts).area();
  const int64_t layers =
      std::max<int64_t>(1, facts.optical_paths) * std::max<int64_t>(1, facts.focal_planes);
  if (facts.frames == grid * layers) return;
  throw DataError(
      fmt::format("{} is damaged: it holds {} frames of {} where {} belong to its {}{}; copy it "
                  "again, or convert the slide again",
                  path.string(), facts.frames, to_string(facts.frame_extent), grid * layers,
                  to_string(facts.total),
                  layers > 1 ? fmt::format(" in {} optical paths and focal planes", layers) : ""));
}

void require_sound_frames(const fs::path& path, const DicomFacts& facts) {
  constexpr int64_t kMostFrames = int64_t{1} << 24;
  require_possible_frames(path, facts);
  if (!has_grid(facts) || facts.frames < 0) return;  // OpenSlide says what is absent.
  const bool is_large = facts.total.rows >= kMaxSide || facts.total.cols >= kMaxSide ||
                        grid_of(facts).area() > kMostFrames;
  if (is_large) {
    throw DataError(fmt::format("{} is damaged: it claims a level of {} in frames of {}",
                                path.string(), to_string(facts.total),
                                to_string(facts.frame_extent)));
  }
  if (facts.is_concatenated) return;  // The other files of the level have the other frames.
  if (lists_frames(facts)) {
    require_placed_frames(path, facts);
  } else if (is_of_level(facts)) {
    require_filled_level(path, facts);
  }
}

/// Encodings of which OpenSlide says that bytes are not what they should be.
void require_plain_encoding(const fs::path& path, const DicomFacts& facts) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 2> kOthers = {
      {{"1.2.840.10008.1.2.1.99", "deflated"}, {"1.2.840.10008.1.2.2", "big-endian"}}};
  for (const auto& [syntax, name] : kOthers) {
    if (facts.transfer_syntax != syntax) continue;
    throw DataError(fmt::format(
        "{} is {} DICOM (transfer syntax {}), which is not read: convert it to the transfer syntax "
        "JPEG Baseline or JPEG 2000, or export it as a tiled TIFF",
        path.string(), name, syntax));
  }
}

/// The files of the series of the slide at `path` and what they say.
std::vector<std::pair<fs::path, DicomFacts>> headers_of_series(const fs::path& path,
                                                               const std::vector<fs::path>& files,
                                                               FrameList list) {
  std::vector<std::pair<fs::path, DicomFacts>> headers = {{path, HeaderReader(path, list).read()}};
  const std::string series = headers.front().second.series;
  for (const fs::path& file : files) {
    if (file == path || file_kind(file) != FileKind::kDicom) continue;
    DicomFacts facts = HeaderReader(file, list).read();
    if (facts.series == series) headers.emplace_back(file, std::move(facts));
  }
  return headers;
}

}  // namespace

std::optional<DicomFacts> read_dicom_facts(const fs::path& path) {
  DicomFacts facts = HeaderReader(path, FrameList::kPassedOver).read();
  return facts.has_pixels ? std::optional(std::move(facts)) : std::nullopt;
}

std::string dicom_series(const fs::path& path) {
  if (file_kind(path) != FileKind::kDicom) return "";
  return HeaderReader(path, FrameList::kPassedOver).read().series;
}

void require_sound_series(const fs::path& path, const std::vector<fs::path>& files) {
  for (const auto& [file, facts] : headers_of_series(path, files, FrameList::kCounted)) {
    require_plain_encoding(file, facts);
    require_sound_frames(file, facts);
  }
}

std::vector<std::string> dicom_warnings(const fs::path& path, const std::vector<fs::path>& files) {
  int64_t paths = 1;
  for (const auto& [file, facts] : headers_of_series(path, files, FrameList::kPassedOver)) {
    if (is_of_level(facts)) paths = std::max(paths, facts.optical_paths);
  }
  if (paths == 1) return {};
  return {fmt::format("it holds {} optical paths; the first is read", paths)};
}

DicomColors dicom_colors(const fs::path& path, const std::vector<fs::path>& files) {
  const auto own = read_dicom_facts(path);
  if (!own) return DicomColors::kRgb;
  std::optional<DicomColors> colors;
  for (const fs::path& file : files) {
    if (file_kind(file) != FileKind::kDicom) continue;
    const auto facts = read_dicom_facts(file);
    if (!is_level_of(facts, own->series)) continue;
    const DicomColors found = colors_of(file, *facts);
    if (colors.value_or(found) != found) {
      throw DataError(fmt::format(
          "{} stores its colours in another way than other levels of its slide, of which its "
          "header says nothing: convert the slide again",
          file.string()));
    }
    colors = found;
  }
  return colors.value_or(DicomColors::kRgb);
}

}  // namespace untiled
