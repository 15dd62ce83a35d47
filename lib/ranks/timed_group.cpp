#include "lib/ranks/timed_group.h"

#include <array>
#include <utility>

#include "lib/core/stopwatch.h"

namespace untiled {
namespace {

/// Beyond those of messages and of teams.
constexpr int kReadyTag = 30'002;

/// Adds what passes from its birth to its death.
class Span {
 public:
  explicit Span(double& seconds) : seconds_(seconds) {}
  ~Span() { seconds_ += watch_.seconds(); }
  Span(const Span&) = delete;
  Span& operator=(const Span&) = delete;

 private:
  double& seconds_;
  Stopwatch watch_;
};

using Byte = std::array<std::byte, 1>;

/// A message with a byte that comes from the other side when that is ready, and one that goes
/// there.
class TimedMessage : public Message {
 public:
  explicit TimedMessage(GroupTimes& times) : times_(times) {}

  void wait() override {
    {
      const Span span(times_.waiting);
      coming_->wait();
    }
    const Span span(times_.messages);
    payload_->wait();
    going_->wait();
  }

  std::span<std::byte> coming_byte() { return coming_byte_; }
  std::span<const std::byte> going_byte() const { return going_byte_; }
  void set(std::unique_ptr<Message> coming, std::unique_ptr<Message> going,
           std::unique_ptr<Message> payload) {
    coming_ = std::move(coming);
    going_ = std::move(going);
    payload_ = std::move(payload);
  }

 private:
  GroupTimes& times_;
  Byte coming_byte_ = {};
  Byte going_byte_ = {};
  std::unique_ptr<Message> coming_;
  std::unique_ptr<Message> going_;
  std::unique_ptr<Message> payload_;
};

}  // namespace

std::unique_ptr<Message> TimedGroup::send(int to, int tag, std::span<const std::byte> bytes) {
  const Span span(times_.messages);
  times_.message_bytes += static_cast<int64_t>(bytes.size());
  auto message = std::make_unique<TimedMessage>(times_);
  auto ready = group_.receive(to, kReadyTag, message->coming_byte());
  auto announced = group_.send(to, tag, message->going_byte());
  message->set(std::move(ready), std::move(announced), group_.send(to, tag, bytes));
  return message;
}

std::unique_ptr<Message> TimedGroup::receive(int from, int tag, std::span<std::byte> bytes) {
  const Span span(times_.messages);
  auto message = std::make_unique<TimedMessage>(times_);
  auto announced = group_.receive(from, tag, message->coming_byte());
  auto payload = group_.receive(from, tag, bytes);
  // Said last: what is then sent finds its place.
  auto ready = group_.send(from, kReadyTag, message->going_byte());
  message->set(std::move(announced), std::move(ready), std::move(payload));
  return message;
}

template <typename Call>
void TimedGroup::collect(size_t bytes, Call call) {
  barrier();
  const Span span(times_.sums);
  if (size() > 1) times_.sum_bytes += static_cast<int64_t>(bytes);
  call();
}

void TimedGroup::sum(std::span<int64_t> values) {
  collect(values.size_bytes(), [&] { group_.sum(values); });
}

void TimedGroup::maximum(std::span<int64_t> values) {
  collect(values.size_bytes(), [&] { group_.maximum(values); });
}

void TimedGroup::broadcast(std::span<std::byte> bytes, int root) {
  collect(bytes.size(), [&] { group_.broadcast(bytes, root); });
}

void TimedGroup::barrier() {
  const Span span(times_.waiting);
  group_.barrier();
}

}  // namespace untiled
