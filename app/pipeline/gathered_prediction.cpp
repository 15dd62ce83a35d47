#include "app/pipeline/gathered_prediction.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "lib/core/error.h"
#include "lib/kernels/backend.h"

namespace untiled {
namespace {

constexpr int kTileTag = 2;
constexpr int kAnswerTag = 3;

/// What a message to rank 0 begins with.
constexpr int64_t kTileFollows = 1;
constexpr int64_t kNoMore = 0;
/// What rank 0 answers to each tile.
constexpr int64_t kGoOn = 1;
constexpr int64_t kStop = 0;

/// Tiles that a rank may have sent before rank 0 takes the first: a row, and these.
constexpr int64_t kTilesMore = 4;

/// Thrown through an executor: another rank has failed, and says so itself.
class GivenUp : public std::exception {
 public:
  const char* what() const noexcept override { return "another rank has given up"; }
};

std::span<std::byte> bytes_of(int64_t& value) {
  return std::as_writable_bytes(std::span(&value, 1));
}

template <typename Values>
std::span<std::byte> bytes_of(Values& values) {
  return std::as_writable_bytes(std::span(values));
}

/// Sends a rank's tiles to rank 0, in order. One thread at a time.
class TileSender {
 public:
  TileSender(Group& ranks, size_t most_ahead) : ranks_(ranks), most_ahead_(most_ahead) {}

  /// Throws GivenUp where rank 0 wants no more.
  void send(PredictedTile tile) {
    while (flying_.size() >= most_ahead_) land();
    if (is_refused_) throw GivenUp();
    auto sent = std::make_unique<Flying>();
    sent->tile = std::move(tile.prediction);
    const auto post = [&](int tag, std::span<const std::byte> bytes) {
      sent->messages.push_back(ranks_.send(0, tag, bytes));
    };
    post(kTileTag, bytes_of(sent->head));
    post(kTileTag, bytes_of(sent->tile.classes));
    if (!sent->tile.probabilities.empty()) post(kTileTag, bytes_of(sent->tile.probabilities));
    sent->messages.push_back(ranks_.receive(0, kAnswerTag, bytes_of(sent->answer)));
    flying_.push_back(std::move(sent));
  }

  /// After the last tile, whether all were sent or not.
  void end() {
    int64_t head = kNoMore;
    const auto message = ranks_.send(0, kTileTag, bytes_of(head));
    while (!flying_.empty()) land();
    message->wait();
  }

 private:
  struct Flying {
    int64_t head = kTileFollows;
    TilePrediction tile;
    int64_t answer = kGoOn;
    std::vector<std::unique_ptr<Message>> messages;
  };

  void land() {
    for (const auto& message : flying_.front()->messages) message->wait();
    if (flying_.front()->answer == kStop) is_refused_ = true;
    flying_.pop_front();
  }

  Group& ranks_;
  size_t most_ahead_;
  std::deque<std::unique_ptr<Flying>> flying_;
  bool is_refused_ = false;
};

/// Rank 0's side. One thread at a time.
class TileReceiver {
 public:
  TileReceiver(Group& ranks, std::vector<OwnedTile> tiles, int64_t planes,
               const PredictionWork& work)
      : ranks_(ranks),
        tiles_(std::move(tiles)),
        planes_(planes),
        work_(work),
        expected_(static_cast<size_t>(ranks.size())),
        has_ended_(static_cast<size_t>(ranks.size()), false) {
    for (const OwnedTile& tile : tiles_) {
      expected_[static_cast<size_t>(tile.rank)].push_back(tile.region);
    }
    has_ended_[0] = true;
  }

  /// Before a tile of rank 0's own: takes those of others that come before it. Throws GivenUp where
  /// one of them has no more.
  void take_before_own() {
    take_others();
    ++next_;
  }

  /// After rank 0's last tile: takes what is left.
  void take_others() {
    for (; next_ < tiles_.size() && tiles_[next_].rank != 0; ++next_) {
      std::optional<PredictedTile> tile = receive(tiles_[next_].rank, kGoOn);
      if (!tile) throw GivenUp();
      work_(std::move(*tile))();
    }
  }

  /// Until every other rank has said that it has no more; tiles that still come are let fall.
  void end() {
    for (int rank = 0; rank < ranks_.size(); ++rank) {
      while (!has_ended_[static_cast<size_t>(rank)]) receive(rank, kStop);
    }
  }

 private:
  /// A rank's next tile; none: it has no more.
  std::optional<PredictedTile> receive(int rank, int64_t answer) {
    const auto r = static_cast<size_t>(rank);
    int64_t head = kNoMore;
    if (!has_ended_[r]) ranks_.receive(rank, kTileTag, bytes_of(head))->wait();
    has_ended_[r] = head == kNoMore;
    if (has_ended_[r]) return std::nullopt;
    PredictedTile tile{.region = expected_[r].front(), .prediction = {}, .labels = {}};
    expected_[r].pop_front();
    tile.prediction.classes.resize(static_cast<size_t>(tile.region.area()));
    tile.prediction.probabilities.resize(static_cast<size_t>(planes_ * tile.region.area()));
    ranks_.receive(rank, kTileTag, bytes_of(tile.prediction.classes))->wait();
    if (planes_ > 0) {
      ranks_.receive(rank, kTileTag, bytes_of(tile.prediction.probabilities))->wait();
    }
    ranks_.send(rank, kAnswerTag, bytes_of(answer))->wait();
    return tile;
  }

  Group& ranks_;
  std::vector<OwnedTile> tiles_;
  int64_t planes_;
  const PredictionWork& work_;
  std::vector<std::deque<Region>> expected_;  ///< By rank: those of its tiles that have not come.
  std::vector<bool> has_ended_;               ///< By rank.
  size_t next_ = 0;                           ///< Of `tiles_`: the first that was not taken.
};

/// Runs a rank's part and then, whatever became of it, `end`. Throws what the part has thrown,
/// unless that was another rank's failure.
void run_part(Group& ranks, const std::function<void()>& part, const std::function<void()>& end) {
  std::exception_ptr failure;
  try {
    part();
  } catch (const Interrupted&) {
    throw;
  } catch (const GivenUp&) {
  } catch (...) {
    ranks.throw_if_failed();
    failure = std::current_exception();
  }
  end();
  if (failure) std::rethrow_exception(failure);
}

size_t tiles_in_row(const std::vector<OwnedTile>& tiles, int rank) {
  const auto first = std::find_if(tiles.begin(), tiles.end(),
                                  [&](const OwnedTile& tile) { return tile.rank == rank; });
  const auto count = std::count_if(first, tiles.end(), [&](const OwnedTile& tile) {
    return tile.rank == rank && tile.region.rows == first->region.rows;
  });
  return static_cast<size_t>(count);
}

}  // namespace

int64_t gathering_bytes(const Extent& pixels, int64_t planes, int ranks) {
  if (ranks == 1) return 0;
  constexpr int64_t kTileCols = 2 * kUsualTile;
  const int64_t cols = ceil_div(pixels.cols, ranks) + (kTilesMore + 1) * kTileCols;
  return kUsualTile * cols * (1 + planes * static_cast<int64_t>(sizeof(float)));
}

void predict_gathered(const Executor& executor, const std::vector<at::Tensor>& parameters,
                      const PixelSource& image, const PredictionRequest& request, int64_t planes,
                      Group& ranks, const PredictionWork& work) {
  const auto predict = [&](const PredictionWork& on_tile) {
    executor.predict(parameters, image, request, /*labels=*/nullptr, on_tile);
  };
  if (ranks.size() == 1) return predict(work);
  const std::vector<OwnedTile> tiles = executor.predicted_tiles(image.extent());
  if (ranks.rank() == 0) {
    TileReceiver receiver(ranks, tiles, planes, work);
    const auto part = [&] {
      predict([&](PredictedTile tile) {
        return [&receiver, commit = work(std::move(tile))] {
          receiver.take_before_own();
          commit();
        };
      });
      receiver.take_others();
    };
    return run_part(ranks, part, [&] { receiver.end(); });
  }
  TileSender sender(ranks, tiles_in_row(tiles, ranks.rank()) + static_cast<size_t>(kTilesMore));
  const auto part = [&] {
    predict([&](PredictedTile tile) {
      return [&sender, held = std::make_shared<PredictedTile>(std::move(tile))] {
        sender.send(std::move(*held));
      };
    });
  };
  run_part(ranks, part, [&] { sender.end(); });
}

}  // namespace untiled
