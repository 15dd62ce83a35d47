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
constexpr Tag kPhotometric = {0x0028, 0x0004};
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

/// Reads the elements outside sequences up to the pixels.
class FactsReader {
 public:
  explicit FactsReader(const fs::path& path) : stream_(path) {}

  std::optional<DicomFacts> read() {
    while (const auto element = read_element(stream_)) {
      if (depth_ == 0 && element->tag == kPixelData) {
        if (element->length == kUndefinedLength) facts_.frame = first_frame(stream_);
        return std::move(facts_);
      }
      if (!take(*element)) return std::nullopt;
    }
    return std::nullopt;
  }

 private:
  /// Goes into what has no length, and over what has one.
  bool take(const Element& element) {
    if (element.tag == kItemEnd || element.tag == kSequenceEnd) {
      --depth_;
      return depth_ >= 0;
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
    const std::array<std::pair<Tag, std::string*>, 4> kept = {
        {{kTransferSyntax, &facts_.transfer_syntax},
         {kImageType, &facts_.image_type},
         {kSeries, &facts_.series},
         {kPhotometric, &facts_.photometric}}};
    for (const auto& [tag, value] : kept) {
      if (element.tag == tag && element.length <= kMostValueBytes) {
        *value = text(stream_.bytes(element.length));
      }
    }
  }

  ByteStream stream_;
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

}  // namespace

std::optional<DicomFacts> read_dicom_facts(const fs::path& path) {
  return FactsReader(path).read();
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
