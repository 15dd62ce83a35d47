#include "lib/output/contours.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace untiled {
namespace {

constexpr int32_t kNone = -1;

/// Slots that are used again.
template <typename T>
class Pool {
 public:
  int32_t take(T value) {
    if (free_.empty()) {
      slots_.push_back(std::move(value));
      return static_cast<int32_t>(slots_.size() - 1);
    }
    const int32_t slot = free_.back();
    free_.pop_back();
    slots_[static_cast<size_t>(slot)] = std::move(value);
    return slot;
  }
  void release(int32_t slot) { free_.push_back(slot); }
  T& operator[](int32_t slot) { return slots_[static_cast<size_t>(slot)]; }

 private:
  std::vector<T> slots_;
  std::vector<int32_t> free_;
};

struct Run {
  int32_t begin = 0;
  int32_t end = 0;
  int32_t piece = kNone;
};

struct Corner {
  PixelCorner at;
  bool is_saddle = false;  ///< The border passes it twice.
};

uint64_t key_of(const PixelCorner& at) {
  return uint64_t{static_cast<uint32_t>(at.y)} << 32 | static_cast<uint32_t>(at.x);
}

/// Twice the area of a ring; positive for an exterior.
int64_t twice_area(const Ring& ring) {
  int64_t sum = 0;
  for (size_t i = 0; i < ring.size(); ++i) {
    const PixelCorner& a = ring[i];
    const PixelCorner& b = ring[i + 1 < ring.size() ? i + 1 : 0];
    sum += int64_t{a.x} * b.y - int64_t{b.x} * a.y;
  }
  return sum;
}

/// Little groups of 7 bits, the last without the eighth.
void put_number(std::string& bytes, uint64_t value) {
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  bytes += static_cast<char>(value);
}

uint64_t take_number(const std::string& bytes, size_t& at) {
  uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    const auto group = static_cast<uint8_t>(bytes[at++]);
    value |= uint64_t{group & 0x7FU} << shift;
    if (group < 0x80) return value;
  }
}

/// Small numbers of either sign become small numbers.
uint64_t zigzag(int32_t value) {
  const int64_t wide = value;
  return static_cast<uint64_t>(wide < 0 ? -2 * wide - 1 : 2 * wide);
}

int32_t unzigzag(uint64_t value) {
  const auto half = static_cast<int32_t>(value >> 1);
  return (value & 1) != 0 ? -half - 1 : half;
}

/// A border that passes a saddle twice touches itself there: cut into rings that do not.
std::vector<Ring> cut_at_saddles(const std::vector<Corner>& border) {
  std::vector<Ring> rings;
  Ring open;
  std::unordered_map<uint64_t, size_t> saddles;  ///< Places in `open`.
  for (const Corner& corner : border) {
    if (!corner.is_saddle) {
      open.push_back(corner.at);
      continue;
    }
    const auto [seen, is_new] = saddles.try_emplace(key_of(corner.at), open.size());
    if (is_new) {
      open.push_back(corner.at);
      continue;
    }
    const auto first = open.begin() + static_cast<std::ptrdiff_t>(seen->second);
    rings.emplace_back(first, open.end());
    for (auto inner = first + 1; inner != open.end(); ++inner) {
      const auto found = saddles.find(key_of(*inner));
      if (found != saddles.end()) saddles.erase(found);
    }
    open.erase(first + 1, open.end());
  }
  rings.push_back(std::move(open));
  return rings;
}

}  // namespace

/// The 4-connected pieces that reach the last row.
class ContourTracer::Pieces {
 public:
  explicit Pieces(Sink& sink) : sink_(sink) {}

  const std::vector<Run>& row() const { return above_; }

  void add_ring(int32_t piece, Ring ring) {
    PixelPolygon& polygon = pieces_[root(piece)].polygon;
    if (twice_area(ring) > 0) {
      polygon.exterior = std::move(ring);
    } else {
      polygon.holes.add(ring);
    }
  }

  /// Joins the pieces that the new row's runs connect. Call `close_row` once its borders are
  /// traced.
  void open_row(const RowEdges& edges) {
    below_.clear();
    auto touching = above_.begin();
    for (size_t i = 0; i + 1 < edges.size(); i += 2) {
      Run run{edges[i], edges[i + 1], kNone};
      while (touching != above_.end() && touching->end <= run.begin) ++touching;
      for (auto above = touching; above != above_.end() && above->begin < run.end; ++above) {
        const int32_t other = root(above->piece);
        run.piece = run.piece == kNone ? other : join(root(run.piece), other);
      }
      if (run.piece == kNone) run.piece = pieces_.take({});
      pieces_[root(run.piece)].polygon.pixels += run.end - run.begin;
      below_.push_back(run);
    }
    for (Run& run : below_) {
      run.piece = root(run.piece);
      pieces_[run.piece].reaches_below = true;
    }
  }

  void close_row() {
    for (Run& run : above_) {
      const int32_t piece = root(run.piece);
      if (pieces_[piece].reaches_below || pieces_[piece].is_out) continue;
      pieces_[piece].is_out = true;
      sink_(std::exchange(pieces_[piece].polygon, {}));
      done_.push_back(piece);
    }
    for (const Run& run : below_) pieces_[run.piece].reaches_below = false;
    for (const int32_t piece : done_) pieces_.release(piece);
    done_.clear();
    std::swap(above_, below_);
  }

 private:
  struct Piece {
    int32_t parent = kNone;
    PixelPolygon polygon;
    bool reaches_below = false;
    bool is_out = false;
  };

  int32_t root(int32_t piece) {
    while (pieces_[piece].parent != kNone) piece = pieces_[piece].parent;
    return piece;
  }

  int32_t join(int32_t a, int32_t b) {
    if (a == b) return a;
    if (pieces_[a].polygon.holes.corners() < pieces_[b].polygon.holes.corners()) std::swap(a, b);
    PixelPolygon& joined = pieces_[b].polygon;
    pieces_[a].polygon.holes.add(joined.holes);
    pieces_[a].polygon.pixels += joined.pixels;
    joined = {};
    pieces_[b].parent = a;
    done_.push_back(b);  // Only runs of this row and the last still point to it.
    return a;
  }

  Sink& sink_;
  Pool<Piece> pieces_;
  std::vector<Run> above_;
  std::vector<Run> below_;
  std::vector<int32_t> done_;
};

/// The borders that are not closed yet. Borders are directed, the foreground to the right on a
/// screen. An edge between two rows of corners is waiting to go on at its lower corner: it is the
/// last edge of an open border where it points down, and the first where it points up.
class ContourTracer::Borders {
 public:
  explicit Borders(Pieces& pieces) : pieces_(pieces) {}

  /// Follows the borders along the corners between the last row (`pieces.row()`) and the next.
  void trace(const RowEdges& next) {
    RowEdges last;
    for (const Run& run : pieces_.row()) {
      last.push_back(run.begin);
      last.push_back(run.end);
    }
    std::vector<int32_t> waiting;
    size_t a = 0;
    size_t b = 0;
    size_t up = 0;
    int32_t along = kNone;
    while (a < last.size() || b < next.size()) {
      const int32_t x =
          std::min(a < last.size() ? last[a] : next[b], b < next.size() ? next[b] : last[a]);
      Cross cross;
      cross.above_left = a % 2 == 1;
      cross.below_left = b % 2 == 1;
      if (a < last.size() && last[a] == x) ++a;
      if (b < next.size() && next[b] == x) ++b;
      cross.above_right = a % 2 == 1;
      cross.below_right = b % 2 == 1;
      run_above_ = a > 0 ? (a - 1) / 2 : 0;
      const int32_t from_above = cross.has_up() ? waiting_[up++] : kNone;
      const Ends ends = pass({x, y_}, cross, from_above, along);
      along = ends.right;
      if (cross.has_down()) waiting.push_back(ends.down);
    }
    waiting_ = std::move(waiting);
    ++y_;
  }

 private:
  /// The four pixels around a corner.
  struct Cross {
    bool above_left = false;
    bool above_right = false;
    bool below_left = false;
    bool below_right = false;

    bool has_up() const { return above_left != above_right; }
    bool has_down() const { return below_left != below_right; }
    bool has_left() const { return above_left != below_left; }
    bool has_right() const { return above_right != below_right; }
    bool is_saddle() const { return has_up() && has_down() && has_left() && has_right(); }
  };

  /// One end of an open border: its outermost corner and the border's other end.
  struct End {
    int32_t corner = kNone;
    int32_t other = kNone;
  };
  struct Node {
    Corner corner;
    int32_t next = kNone;
  };
  /// The ends of the edges that leave a corner to the right and downwards.
  struct Ends {
    int32_t right = kNone;
    int32_t down = kNone;
  };

  /// Leads the borders through a corner. At a saddle each border stays at its own pixel, so that
  /// pieces that touch there are apart.
  Ends pass(const PixelCorner& at, const Cross& cross, int32_t up, int32_t left) {
    if (cross.is_saddle()) {
      const Corner corner{at, true};
      if (cross.above_left) {  // And below right.
        join(up, left, corner);
        const auto [tail, head] = start(corner);
        return {tail, head};
      }
      Ends ends;  // Above right and below left.
      ends.right = prepend(up, corner);
      ends.down = append(left, corner);
      return ends;
    }
    const Corner corner{at, false};
    if (cross.has_up() && cross.has_down()) return {kNone, up};
    if (cross.has_left() && cross.has_right()) return {left, kNone};
    if (cross.has_up() && cross.has_left()) {
      // The border comes down and turns left round the pixel above left, or comes from the left
      // and turns up round a hole.
      cross.above_left ? join(up, left, corner) : join(left, up, corner);
      return {};
    }
    if (cross.has_up()) {  // Turns right: downwards it is a tail, upwards a head.
      return {cross.above_left ? append(up, corner) : prepend(up, corner), kNone};
    }
    if (cross.has_left()) {
      return {kNone, cross.below_left ? append(left, corner) : prepend(left, corner)};
    }
    const auto [tail, head] = start(corner);
    return cross.below_right ? Ends{tail, head} : Ends{head, tail};
  }

  /// A new border of one corner: the end where it goes on, and the end where it comes from.
  std::pair<int32_t, int32_t> start(const Corner& corner) {
    const int32_t node = nodes_.take({corner, kNone});
    const int32_t tail = ends_.take({node, kNone});
    const int32_t head = ends_.take({node, tail});
    ends_[tail].other = head;
    return {tail, head};
  }

  int32_t append(int32_t tail, const Corner& corner) {
    const int32_t node = nodes_.take({corner, kNone});
    nodes_[ends_[tail].corner].next = node;
    ends_[tail].corner = node;
    return tail;
  }

  int32_t prepend(int32_t head, const Corner& corner) {
    ends_[head].corner = nodes_.take({corner, ends_[head].corner});
    return head;
  }

  /// The border that ends in `tail` goes on, through a corner, as the one that begins at `head`.
  void join(int32_t tail, int32_t head, const Corner& corner) {
    append(tail, corner);
    const int32_t first = ends_[tail].other;
    const int32_t last = ends_[head].other;
    if (first == head) {
      close(ends_[head].corner);
    } else {
      nodes_[ends_[tail].corner].next = ends_[head].corner;
      ends_[first].other = last;
      ends_[last].other = first;
    }
    ends_.release(tail);
    ends_.release(head);
  }

  void close(int32_t first) {
    std::vector<Corner> border;
    for (int32_t node = first; node != kNone;) {
      border.push_back(nodes_[node].corner);
      const int32_t next = nodes_[node].next;
      nodes_.release(node);
      node = next;
    }
    const int32_t piece = pieces_.row()[run_above_].piece;
    for (Ring& ring : cut_at_saddles(border)) pieces_.add_ring(piece, std::move(ring));
  }

  Pieces& pieces_;
  Pool<Node> nodes_;
  Pool<End> ends_;
  std::vector<int32_t> waiting_;  ///< Ends below the last corners, from left to right.
  size_t run_above_ = 0;          ///< The last row's run that is left or right of the corner.
  int32_t y_ = 0;
};

void RingList::add(const Ring& ring) {
  put_number(bytes_, ring.size());
  put_number(bytes_, static_cast<uint64_t>(ring.front().x));
  put_number(bytes_, static_cast<uint64_t>(ring.front().y));
  const bool starts_along_x = ring[0].y == ring[1].y;
  put_number(bytes_, starts_along_x ? 1 : 0);
  for (size_t i = 1; i < ring.size(); ++i) {
    put_number(bytes_, zigzag(ring[i].x - ring[i - 1].x + ring[i].y - ring[i - 1].y));
  }
  ++rings_;
  corners_ += static_cast<int64_t>(ring.size());
}

void RingList::add(const RingList& other) {
  bytes_ += other.bytes_;
  rings_ += other.rings_;
  corners_ += other.corners_;
}

void RingList::for_each(const std::function<void(const Ring&)>& use) const {
  Ring ring;
  for (size_t at = 0; at < bytes_.size();) {
    ring.resize(take_number(bytes_, at));
    ring.front().x = static_cast<int32_t>(take_number(bytes_, at));
    ring.front().y = static_cast<int32_t>(take_number(bytes_, at));
    bool along_x = take_number(bytes_, at) == 1;
    for (size_t i = 1; i < ring.size(); ++i, along_x = !along_x) {
      const int32_t step = unzigzag(take_number(bytes_, at));
      ring[i] = ring[i - 1];
      (along_x ? ring[i].x : ring[i].y) += step;
    }
    use(ring);
  }
}

RowEdges edges_of(const MaskRow& row, uint8_t label) {
  RowEdges edges;
  for (const ClassRun& run : row) {
    if (run.label != label) continue;
    edges.push_back(run.begin);
    edges.push_back(run.end);
  }
  return edges;
}

ContourTracer::ContourTracer(Sink sink)
    : sink_(std::move(sink)),
      pieces_(std::make_unique<Pieces>(sink_)),
      borders_(std::make_unique<Borders>(*pieces_)) {}

ContourTracer::~ContourTracer() = default;

void ContourTracer::add_row(const RowEdges& edges) {
  pieces_->open_row(edges);
  borders_->trace(edges);
  pieces_->close_row();
}

}  // namespace untiled
