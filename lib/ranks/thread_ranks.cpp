#include "lib/ranks/thread_ranks.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <tuple>
#include <vector>

#include "lib/core/error.h"

namespace untiled {
namespace {

using Payload = std::vector<std::byte>;

/// What the ranks share.
class Hub {
 public:
  explicit Hub(int size) : size_(size) {}

  int size() const { return size_; }

  void put(int from, int to, int tag, std::span<const std::byte> bytes) {
    const std::lock_guard lock(mutex_);
    mail_[{from, to, tag}].emplace_back(bytes.begin(), bytes.end());
    changed_.notify_all();
  }

  void take(int from, int to, int tag, std::span<std::byte> bytes) {
    std::unique_lock lock(mutex_);
    std::deque<Payload>& letters = mail_[{from, to, tag}];
    wait(lock, [&] { return !letters.empty(); });
    const Payload letter = std::move(letters.front());
    letters.pop_front();
    if (letter.size() != bytes.size()) {
      throw InternalError(
          fmt::format("a message of {} bytes where {} were expected", letter.size(), bytes.size()));
    }
    std::copy(letter.begin(), letter.end(), bytes.begin());
  }

  /// Every rank brings values; all get what `combine(total, value)` makes of each.
  template <typename Combine>
  void gather(std::span<int64_t> values, Combine combine) {
    std::unique_lock lock(mutex_);
    throw_failure_if_any();
    if (arrived_ == 0) {
      pending_.assign(values.begin(), values.end());
    } else if (pending_.size() != values.size()) {
      throw InternalError(
          fmt::format("{} values where another rank has {}", values.size(), pending_.size()));
    } else {
      std::transform(values.begin(), values.end(), pending_.begin(), pending_.begin(), combine);
    }
    meet(lock, [&] { numbers_.swap(pending_); });
    std::copy(numbers_.begin(), numbers_.end(), values.begin());
  }

  void broadcast(std::span<std::byte> bytes, bool is_root) {
    std::unique_lock lock(mutex_);
    throw_failure_if_any();
    if (is_root) pending_bytes_.assign(bytes.begin(), bytes.end());
    meet(lock, [&] { bytes_.swap(pending_bytes_); });
    if (bytes_.size() != bytes.size()) {
      throw InternalError(
          fmt::format("{} bytes where {} were broadcast", bytes.size(), bytes_.size()));
    }
    std::copy(bytes_.begin(), bytes_.end(), bytes.begin());
  }

  void fail(int rank, const Failure& failure) {
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = size_ == 1 ? failure : failure_on(rank, failure);
    changed_.notify_all();
  }

  void throw_if_failed() const {
    const std::lock_guard lock(mutex_);
    throw_failure_if_any();
  }

 private:
  /// The last rank to come finishes the round and lets all go on. The results of a round stay until
  /// the next one is finished, to which every rank must come.
  template <typename Finish>
  void meet(std::unique_lock<std::mutex>& lock, Finish finish) {
    const uint64_t round = round_;
    if (++arrived_ == size_) {
      finish();
      arrived_ = 0;
      ++round_;
      changed_.notify_all();
      return;
    }
    wait(lock, [&] { return round_ != round; });
  }

  template <typename Ready>
  void wait(std::unique_lock<std::mutex>& lock, Ready ready) {
    changed_.wait(lock, [&] { return failure_ || ready(); });
    throw_failure_if_any();
  }

  void throw_failure_if_any() const {
    if (failure_) throw_failure(*failure_);
  }

  int size_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::tuple<int, int, int>, std::deque<Payload>> mail_;  ///< By sender, receiver, tag.
  uint64_t round_ = 0;
  int arrived_ = 0;               ///< Ranks that are in this round's collective.
  std::vector<int64_t> pending_;  ///< Of the round that is going on.
  std::vector<int64_t> numbers_;  ///< Of the last one.
  Payload pending_bytes_;
  Payload bytes_;
  std::optional<Failure> failure_;
};

/// The hub has a copy.
class Sent : public Message {
 public:
  void wait() override {}
};

class Expected : public Message {
 public:
  Expected(Hub& hub, int from, int to, int tag, std::span<std::byte> bytes)
      : hub_(hub), from_(from), to_(to), tag_(tag), bytes_(bytes) {}
  void wait() override { hub_.take(from_, to_, tag_, bytes_); }

 private:
  Hub& hub_;
  int from_;
  int to_;
  int tag_;
  std::span<std::byte> bytes_;
};

class ThreadRank : public Group {
 public:
  ThreadRank(Hub& hub, int rank) : hub_(hub), rank_(rank) {}

  int rank() const override { return rank_; }
  int size() const override { return hub_.size(); }
  std::unique_ptr<Message> send(int to, int tag, std::span<const std::byte> bytes) override {
    hub_.put(rank_, to, tag, bytes);
    return std::make_unique<Sent>();
  }
  std::unique_ptr<Message> receive(int from, int tag, std::span<std::byte> bytes) override {
    return std::make_unique<Expected>(hub_, from, rank_, tag, bytes);
  }
  void sum(std::span<int64_t> values) override {
    hub_.gather(values, [](int64_t a, int64_t b) { return a + b; });
  }
  void maximum(std::span<int64_t> values) override {
    hub_.gather(values, [](int64_t a, int64_t b) { return std::max(a, b); });
  }
  void broadcast(std::span<std::byte> bytes, int root) override {
    hub_.broadcast(bytes, root == rank_);
  }
  void barrier() override { maximum({}); }
  void fail(const Failure& failure) override { hub_.fail(rank_, failure); }
  void throw_if_failed() const override { hub_.throw_if_failed(); }

 private:
  Hub& hub_;
  int rank_;
};

}  // namespace

void run_thread_ranks(int count, const std::function<void(Group&)>& body) {
  if (count < 1) throw InternalError(fmt::format("{} ranks", count));
  Hub hub(count);
  const auto run = [&](int rank) {
    ThreadRank group(hub, rank);
    try {
      body(group);
    } catch (...) {
      hub.fail(rank, failure_of(std::current_exception()));
    }
  };
  std::vector<std::thread> threads;
  for (int rank = 1; rank < count; ++rank) threads.emplace_back(run, rank);
  run(0);
  for (std::thread& thread : threads) thread.join();
  hub.throw_if_failed();
}

}  // namespace untiled
