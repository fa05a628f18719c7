// What the C++ tests share: checks, callbacks that count, and where the server is.
#ifndef CHECK_HPP
#define CHECK_HPP

#include <v2tim/V2TIMManager.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

inline int failures = 0;

inline void check(bool holds, const char *what, int line) {
  if (!holds) {
    std::fprintf(stderr, "line %d: %s\n", line, what);
    ++failures;
  }
}
#define CHECK(CONDITION) check((CONDITION), #CONDITION, __LINE__)

inline std::string environment(const char *name) {
  const char *value = std::getenv(name);
  if (value == nullptr) {
    std::fprintf(stderr, "%s is not set\n", name);
    std::exit(2);
  }
  return value;
}

/// How long a callback that blocks does so: a fifth of a second, or what ADIEU_TEST_BLOCK_SECONDS
/// says.
inline std::chrono::milliseconds blocked() {
  const char *seconds = std::getenv("ADIEU_TEST_BLOCK_SECONDS");
  return std::chrono::milliseconds(seconds != nullptr ? std::atoi(seconds) * 1000 : 200);
}

inline const auto LIMIT = std::chrono::seconds(60) + blocked();

/// Counts what is told, and lets others wait for it.
class Counter {
public:
  void tell() {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++count_;
    changed_.notify_all();
  }
  int count() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return count_;
  }
  bool wait(int wanted) {
    std::unique_lock<std::mutex> lock(mutex_);
    return changed_.wait_for(lock, LIMIT, [&] { return count_ >= wanted; });
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int count_ = 0;
};

/// The outcome of a call without a value.
class Outcome : public V2TIMCallback {
public:
  void OnSuccess() override { counter.tell(); }
  void OnError(int error_code, const V2TIMString &error_message) override {
    code = error_code;
    message = error_message;
    counter.tell();
  }
  /// Waits; 0 or the code. -1000: nothing came.
  int wait() { return counter.wait(1) ? code : -1000; }

  Counter counter;
  int code = 0;
  V2TIMString message;
};

/// The outcome of a call with one.
template <class T> class ValueOutcome : public V2TIMValueCallback<T> {
public:
  void OnSuccess(const T &told) override {
    value = told;
    counter.tell();
  }
  void OnError(int error_code, const V2TIMString &) override {
    code = error_code;
    counter.tell();
  }
  int wait() { return counter.wait(1) ? code : -1000; }

  Counter counter;
  int code = 0;
  T value{};
};

inline V2TIMManager *manager() { return V2TIMManager::GetInstance(); }
inline V2TIMConversationManager *conversations() { return manager()->GetConversationManager(); }

/// What a file holds.
inline std::string contents(const std::string &path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline V2TIMSDKConfig config() {
  V2TIMSDKConfig config;
  config.initPath = environment("ADIEU_STORE");
  config.serverURL = environment("ADIEU_SERVER_URL");
  return config;
}

inline uint32_t app_id() {
  return static_cast<uint32_t>(std::strtoul(environment("ADIEU_APP_ID").c_str(), nullptr, 10));
}

inline int log_in() {
  Outcome outcome;
  manager()->Login(environment("ADIEU_USER"), environment("ADIEU_USER_SIG"), &outcome);
  return outcome.wait();
}

/// Runs one call and waits for its code.
template <class Call> int outcome_of(Call &&call) {
  Outcome outcome;
  call(&outcome);
  return outcome.wait();
}

inline size_t listed() {
  ValueOutcome<V2TIMConversationResult> outcome;
  conversations()->GetConversationList(0, 1000, &outcome);
  return outcome.wait() == 0 ? outcome.value.conversationList.Size() : 0;
}

#endif
