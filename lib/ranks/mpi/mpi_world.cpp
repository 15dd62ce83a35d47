// Ranks by MPI, in a library of its own. Every wait tests and sleeps by turns: it hears of
// failures, and ranks that share cores leave them to those that compute.
#include <mpi.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "lib/core/error.h"
#include "lib/ranks/mpi/launcher.h"
#include "lib/ranks/world.h"

namespace untiled {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// A count of MPI is an int.
constexpr size_t kMostAtOnce = size_t{1} << 30;
/// Tests before a wait begins to sleep, and how long it then does.
constexpr int kTestsAwake = 2000;
constexpr std::chrono::microseconds kSleep{50};
/// For what a rank that is to end waits, in each wait.
constexpr std::chrono::seconds kStopWait{3};
/// For what the others wait once they have stopped: rank 0 saves.
constexpr std::chrono::seconds kLeaveWait{10};

constexpr int kAlarmTag = 1;
constexpr int kBeatTag = 2;
constexpr int kLastBeatTag = 3;
constexpr milliseconds kLook{100};   ///< Between looks for alarms.
constexpr milliseconds kBeat{1000};  ///< Between signs of life.
constexpr seconds kSilence{30};      ///< After which a rank counts as lost.
constexpr size_t kMostSentence = 4000;

void check(int result) {
  if (result == MPI_SUCCESS) return;
  std::array<char, MPI_MAX_ERROR_STRING> text = {};
  int length = 0;
  MPI_Error_string(result, text.data(), &length);
  throw InternalError("MPI: " + std::string(text.data(), static_cast<size_t>(length)));
}

std::string version() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text = {};
  int length = 0;
  MPI_Get_library_version(text.data(), &length);
  std::string all(text.data(), static_cast<size_t>(length));
  std::replace(all.begin(), all.end(), '\t', ' ');
  return all.substr(0, all.find_first_of(",\n"));
}

seconds silence_allowed() {
  const char* text = std::getenv("UNTILED_SILENCE_SECONDS");
  const int given = text == nullptr ? 0 : std::atoi(text);
  return given > 0 ? seconds(given) : kSilence;
}

class MpiWorld;

/// Some requests that belong together.
class MpiMessage : public Message {
 public:
  explicit MpiMessage(MpiWorld& world) : world_(world) {}
  ~MpiMessage() override;
  void wait() override;
  std::vector<MPI_Request>& requests() { return requests_; }
  /// What a collective works on: a copy, for MPI may write to it after a wait was given up, and no
  /// collective can be cancelled.
  std::vector<std::byte>& copy() { return copy_; }
  void mark_collective() { is_collective_ = true; }
  bool is_collective() const { return is_collective_; }

 private:
  MpiWorld& world_;
  std::vector<MPI_Request> requests_;
  std::vector<std::byte> copy_;
  bool is_collective_ = false;
};

class MpiWorld : public World {
 public:
  /// `stop_signal` says which signal has asked this process to end, 0: none; it is the program's,
  /// of which this library would have another one.
  explicit MpiWorld(int (*stop_signal)()) : stop_signal_(stop_signal) {
    int provided = 0;
    check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided));
    if (provided < MPI_THREAD_SERIALIZED) {
      throw ConfigError("this MPI does not let threads take turns (MPI_THREAD_SERIALIZED)");
    }
    check(MPI_Comm_dup(MPI_COMM_WORLD, &data_));
    check(MPI_Comm_dup(MPI_COMM_WORLD, &control_));
    for (MPI_Comm comm : {data_, control_}) MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN);
    check(MPI_Comm_rank(data_, &rank_));
    check(MPI_Comm_size(data_, &size_));
    greet();
    heard_ = Clock::now();
    if (size_ > 1) watch_ = std::thread([this] { watch(); });
  }
  ~MpiWorld() override { stop_watching(); }

  int rank() const override { return rank_; }
  int size() const override { return size_; }

  std::string library() const override { return version(); }

  std::unique_ptr<Message> send(int to, int tag, std::span<const std::byte> bytes) override {
    return begin(bytes.size(), [&](MpiMessage& /*m*/, size_t at, int count, MPI_Request* request) {
      return MPI_Isend(bytes.data() + at, count, MPI_BYTE, to, tag, data_, request);
    });
  }

  std::unique_ptr<Message> receive(int from, int tag, std::span<std::byte> bytes) override {
    return begin(bytes.size(), [&](MpiMessage& /*m*/, size_t at, int count, MPI_Request* request) {
      return MPI_Irecv(bytes.data() + at, count, MPI_BYTE, from, tag, data_, request);
    });
  }

  void sum(std::span<int64_t> values) override { reduce(values, MPI_SUM); }
  void maximum(std::span<int64_t> values) override { reduce(values, MPI_MAX); }

  void broadcast(std::span<std::byte> bytes, int root) override {
    collect(bytes, [&](std::byte* at, int count, MPI_Request* request) {
      return MPI_Ibcast(at, count, MPI_BYTE, root, data_, request);
    });
  }

  void barrier() override {
    begin(0, [&](MpiMessage& message, size_t /*at*/, int /*count*/, MPI_Request* request) {
      message.mark_collective();
      return MPI_Ibarrier(data_, request);
    })->wait();
  }

  void fail(const Failure& failure) override {
    set_failure(size_ == 1 ? failure : failure_on(rank_, failure), /*tell=*/true);
  }

  void throw_if_failed() const override {
    if (!has_failed_) return;
    const std::lock_guard lock(state_);
    throw_failure(*failure_);
  }

  void finish() override {
    barrier();
    stop_watching();
    if (size_ > 1) exchange_last_beats();
    const std::lock_guard lock(mpi_);
    MPI_Comm_free(&data_);
    MPI_Comm_free(&control_);
    MPI_Finalize();
  }

  /// MPICH's launcher kills all as soon as one has left, and its own exit code is the killed ones'
  /// then; Open MPI's waits for those that it has told to end.
  [[noreturn]] void leave(int code) override {
    meet(rank_ == 0 ? kStopWait : kLeaveWait);
    if (!version().starts_with("MPICH")) std::_Exit(code);
    if (rank_ == 0) abort(code);
    std::this_thread::sleep_for(kStopWait);
    std::_Exit(code);
  }

  [[noreturn]] void abort(int code) override {
    const std::lock_guard lock(mpi_);
    if (has_lost_rank_) end_launcher_after(launcher_grace());
    MPI_Abort(MPI_COMM_WORLD, code);
    std::_Exit(code);
  }

  /// Returns when the request is done. Throws a failure of any rank.
  void wait(MPI_Request& request) {
    std::optional<Clock::time_point> told;
    for (int tests = 0; !test(request); ++tests) {
      throw_if_failed();
      if (!told && stop_signal_() != 0) told = Clock::now();
      // Those whom this rank waits for may be gone: whoever asks one to end asks all.
      if (told && Clock::now() > *told + kStopWait) {
        throw_failure({kSignalCodeBase + stop_signal_(), {}});
      }
      if (tests < kTestsAwake) {
        std::this_thread::yield();
      } else {
        std::this_thread::sleep_for(kSleep);
      }
    }
  }

  /// After a failure: what was begun is forgotten, with the memory that MPI may still use.
  void give_up(MpiMessage& message) {
    const std::lock_guard lock(mpi_);
    for (MPI_Request& request : message.requests()) {
      if (request == MPI_REQUEST_NULL) continue;
      if (!message.is_collective()) MPI_Cancel(&request);
      abandoned_.push_back(std::exchange(message.copy(), {}));
    }
  }

 private:
  /// Waits until all ranks are here. Among the control messages, for ranks were stopped between
  /// different exchanges of data.
  void meet(seconds at_most) {
    const auto end = Clock::now() + at_most;
    MPI_Request all_here = MPI_REQUEST_NULL;
    int is_over = 0;
    while (is_over == 0 && Clock::now() < end) {
      {
        const std::lock_guard lock(mpi_);
        const int error = all_here == MPI_REQUEST_NULL
                              ? MPI_Ibarrier(control_, &all_here)
                              : MPI_Test(&all_here, &is_over, MPI_STATUS_IGNORE);
        if (error != MPI_SUCCESS) return;  // Some are gone: there is nobody to wait for.
      }
      std::this_thread::sleep_for(kSleep);
    }
  }

  /// `start(message, first byte, bytes, request)` begins a part that an int can count.
  template <typename Start>
  std::unique_ptr<Message> begin(size_t bytes, Start start, std::vector<std::byte> copy = {}) {
    throw_if_failed();
    auto message = std::make_unique<MpiMessage>(*this);
    message->copy() = std::move(copy);
    const std::lock_guard lock(mpi_);
    for (size_t at = 0; at == 0 || at < bytes; at += kMostAtOnce) {
      const auto count = static_cast<int>(std::min(kMostAtOnce, bytes - at));
      message->requests().push_back(MPI_REQUEST_NULL);
      check(start(*message, at, count, &message->requests().back()));
    }
    return message;
  }

  template <typename Start>
  void collect(std::span<std::byte> bytes, Start start) {
    const auto part = [&](MpiMessage& message, size_t at, int count, MPI_Request* request) {
      message.mark_collective();
      return start(message.copy().data() + at, count, request);
    };
    const auto message = begin(bytes.size(), part, {bytes.begin(), bytes.end()});
    message->wait();
    const std::vector<std::byte>& copy = static_cast<MpiMessage&>(*message).copy();
    std::copy(copy.begin(), copy.end(), bytes.begin());
  }

  void reduce(std::span<int64_t> values, MPI_Op op) {
    collect(std::as_writable_bytes(values), [&](std::byte* at, int bytes, MPI_Request* request) {
      constexpr auto kBytes = static_cast<int>(sizeof(int64_t));
      return MPI_Iallreduce(MPI_IN_PLACE, at, bytes / kBytes, MPI_INT64_T, op, data_, request);
    });
  }

  bool test(MPI_Request& request) {
    const std::lock_guard lock(mpi_);
    int done = 0;
    check(MPI_Test(&request, &done, MPI_STATUS_IGNORE));
    return done != 0;
  }

  // ---- the watch ---------------------------------------------------------------------------

  /// Opens the links that alarms take.
  void greet() {
    if (rank_ != 0) {
      send(0, 0, {})->wait();
      return;
    }
    for (int other = 1; other < size_; ++other) receive(other, 0, {})->wait();
  }

  void set_failure(const Failure& failure, bool tell) {
    const std::lock_guard lock(state_);
    if (failure_) return;
    failure_ = failure;
    tells_ = tell;
    has_failed_ = true;
    changed_.notify_all();
  }

  void stop_watching() {
    {
      const std::lock_guard lock(state_);
      ends_ = true;
      changed_.notify_all();
    }
    if (watch_.joinable()) watch_.join();
  }

  void watch() {
    auto next_beat = Clock::now();
    std::unique_lock lock(state_);
    while (!ends_) {
      const bool tells = std::exchange(tells_, false);
      lock.unlock();
      if (tells && rank_ != 0) send_alarm();
      take_control_messages();
      if (Clock::now() >= next_beat) {
        send_beat(kBeatTag);
        next_beat = Clock::now() + kBeat;
      }
      check_silence();
      lock.lock();
      changed_.wait_for(lock, kLook, [&] { return ends_ || tells_; });
    }
  }

  /// To rank 0, which ends all: a link that it has used since the beginning.
  void send_alarm() {
    Failure failure;
    {
      const std::lock_guard lock(state_);
      failure = *failure_;
    }
    failure.sentence.resize(std::min(failure.sentence.size(), kMostSentence));
    alarm_text_ = std::string(1, static_cast<char>(failure.code)) + failure.sentence;
    const std::lock_guard lock(mpi_);
    MPI_Isend(alarm_text_.data(), static_cast<int>(alarm_text_.size()), MPI_CHAR, 0, kAlarmTag,
              control_, &alarm_);
  }

  void send_beat(int tag) {
    const std::lock_guard lock(mpi_);
    int sent = 1;
    if (beat_ != MPI_REQUEST_NULL) MPI_Test(&beat_, &sent, MPI_STATUS_IGNORE);
    if (sent == 0) return;  // The link is slow or down; the next rank will notice.
    MPI_Isend(nullptr, 0, MPI_CHAR, (rank_ + 1) % size_, tag, control_, &beat_);
  }

  /// Receives what has come; returns the tag of the last message, 0 where there was none.
  int take_control_messages() {
    int last = 0;
    while (true) {
      std::string text;
      MPI_Status status = {};
      {
        const std::lock_guard lock(mpi_);
        int found = 0;
        MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, control_, &found, &status);
        if (found == 0) return last;
        int count = 0;
        MPI_Get_count(&status, MPI_CHAR, &count);
        text.resize(static_cast<size_t>(count));
        MPI_Recv(text.data(), count, MPI_CHAR, status.MPI_SOURCE, status.MPI_TAG, control_,
                 MPI_STATUS_IGNORE);
      }
      last = status.MPI_TAG;
      if (last == kAlarmTag) {
        set_failure({static_cast<unsigned char>(text.front()), text.substr(1)}, /*tell=*/false);
      } else {
        heard_ = Clock::now();
      }
    }
  }

  void check_silence() {
    if (has_failed_ || Clock::now() - heard_ < silence_) return;
    const int before = (rank_ + size_ - 1) % size_;
    has_lost_rank_ = true;
    set_failure({kInternalErrorCode,
                 "rank " + std::to_string(before) + " was not heard of for " +
                     std::to_string(silence_.count()) +
                     " s: its process hangs or its link is down; start again with --resume"},
                /*tell=*/true);
  }

  /// Nothing may be on its way when MPI ends.
  void exchange_last_beats() {
    if (beat_ != MPI_REQUEST_NULL) wait(beat_);
    send_beat(kLastBeatTag);
    while (take_control_messages() != kLastBeatTag) std::this_thread::sleep_for(kSleep);
    wait(beat_);
  }

  std::mutex mpi_;  ///< Around every call of MPI.
  std::vector<std::vector<std::byte>> abandoned_;
  MPI_Comm data_ = MPI_COMM_NULL;
  MPI_Comm control_ = MPI_COMM_NULL;
  int (*stop_signal_)();
  int rank_ = 0;
  int size_ = 1;

  mutable std::mutex state_;  ///< Of the failure and the watch's wishes.
  std::condition_variable changed_;
  std::optional<Failure> failure_;
  std::atomic<bool> has_failed_ = false;
  std::atomic<bool> has_lost_rank_ = false;  ///< One that was not heard of.
  bool tells_ = false;
  bool ends_ = false;

  // Of the watch, and of finish() after it.
  std::thread watch_;
  seconds silence_ = silence_allowed();
  Clock::time_point heard_;
  MPI_Request beat_ = MPI_REQUEST_NULL;
  std::string alarm_text_;
  MPI_Request alarm_ = MPI_REQUEST_NULL;
};

MpiMessage::~MpiMessage() { world_.give_up(*this); }

void MpiMessage::wait() {
  for (MPI_Request& request : requests_) world_.wait(request);
}

}  // namespace
}  // namespace untiled

extern "C" const char* untiled_mpi_version() {
  static const std::string version = untiled::version();
  return version.c_str();
}

extern "C" untiled::World* untiled_open_mpi(int (*stop_signal)()) {
  return new untiled::MpiWorld(stop_signal);
}
