#include "lib/ranks/timed_group.h"

#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include "lib/core/error.h"
#include "lib/ranks/thread_ranks.h"
#include "tests/catch.h"

namespace untiled {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kWait{20};
constexpr milliseconds kWork{8};

/// Catch's own checks are for one thread.
void expect(bool holds) {
  if (!holds) throw InternalError("a rank found something else");
}

std::vector<GroupTimes> times_of(int ranks, const std::function<void(TimedGroup&)>& body) {
  std::vector<GroupTimes> times(static_cast<size_t>(ranks));
  run_thread_ranks(ranks, [&](Group& group) {
    TimedGroup timed(group);
    body(timed);
    times[static_cast<size_t>(group.rank())] = timed.times();
  });
  return times;
}

/// Both ranks give each other `values` numbers.
void swap_messages(Group& group, size_t values) {
  const int other = 1 - group.rank();
  std::vector<int64_t> mine(values, group.rank());
  std::vector<int64_t> theirs(values, -1);
  const auto received = group.receive(other, 7, std::as_writable_bytes(std::span(theirs)));
  const auto sent = group.send(other, 7, std::as_bytes(std::span(mine)));
  sent->wait();
  received->wait();
  expect(theirs == std::vector<int64_t>(values, other));
}

TEST_CASE("a group that measures gives what the group itself gives, and counts its bytes") {
  const std::vector<GroupTimes> times = times_of(2, [](TimedGroup& group) {
    for (const size_t values : {0, 1, 1000}) swap_messages(group, values);
    std::vector<int64_t> numbers = {group.rank(), 5};
    group.sum(numbers);
    expect(numbers == std::vector<int64_t>{1, 10});
    numbers = {group.rank(), -group.rank()};
    group.maximum(numbers);
    expect(numbers == std::vector<int64_t>{1, 0});
    std::vector<std::byte> bytes(3, static_cast<std::byte>(group.rank()));
    group.broadcast(bytes, 1);
    expect(bytes.front() == static_cast<std::byte>(1));
  });
  for (const GroupTimes& t : times) {
    CHECK(t.message_bytes == int64_t{8} * 1001);
    CHECK(t.sum_bytes == 16 + 16 + 3);
    CHECK(t.messages > 0.0);
    CHECK(t.sums > 0.0);
  }
}

/// A message whose wait takes its time.
class SlowMessage : public Message {
 public:
  SlowMessage(std::unique_ptr<Message> message, milliseconds pause)
      : message_(std::move(message)), pause_(pause) {}
  void wait() override {
    std::this_thread::sleep_for(pause_);
    message_->wait();
  }

 private:
  std::unique_ptr<Message> message_;
  milliseconds pause_;
};

/// A group that is slow in what the test says, so that what is measured has a least value.
class SlowGroup : public ForwardingGroup {
 public:
  using ForwardingGroup::ForwardingGroup;
  void barrier() override {
    std::this_thread::sleep_for(kWait);
    group_.barrier();
  }
  void sum(std::span<int64_t> values) override {
    std::this_thread::sleep_for(kWork);
    group_.sum(values);
  }
  std::unique_ptr<Message> receive(int from, int tag, std::span<std::byte> bytes) override {
    return std::make_unique<SlowMessage>(group_.receive(from, tag, bytes),
                                         bytes.size() == 1 ? kWait : kWork);
  }
};

TEST_CASE("waiting for others is told from what a call then takes, for sums and for messages") {
  const auto seconds = [](milliseconds time) { return 1e-3 * static_cast<double>(time.count()); };
  run_thread_ranks(2, [&](Group& group) {
    SlowGroup slow(group);
    TimedGroup timed(slow);
    std::vector<int64_t> numbers = {1};
    timed.sum(numbers);
    expect(timed.times().waiting >= seconds(kWait) && timed.times().sums >= seconds(kWork));
    timed.reset();
    swap_messages(timed, 10);  // Its sender and its receiver wait for a byte each.
    expect(timed.times().waiting >= 2 * seconds(kWait));
    expect(timed.times().messages >= seconds(kWork) && timed.times().sums == 0.0);
  });
}

TEST_CASE("times begin anew where they are asked to") {
  times_of(2, [](TimedGroup& group) {
    swap_messages(group, 10);
    group.reset();
    expect(group.times().messages == 0.0 && group.times().message_bytes == 0);
  });
}

TEST_CASE("a failure ends the waits of a group that measures") {
  CHECK_THROWS_AS(times_of(2,
                           [](TimedGroup& group) {
                             if (group.rank() == 1) throw DataError("bad");
                             swap_messages(group, 10);
                           }),
                  DataError);
}

}  // namespace
}  // namespace untiled
