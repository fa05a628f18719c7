// How adieu.hpp makes a call of adieu.h and takes its outcome back. Include adieu.hpp.
//
// SPDX-License-Identifier: Apache-2.0 OR MIT

#ifndef ADIEU_CALL_HPP
#define ADIEU_CALL_HPP

#include <adieu/values.hpp>

#include <atomic>
#include <cstdio>
#include <deque>
#include <exception>
#include <future>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

namespace adieu {

/// Hears of an exception that left a callable. Any thread that delivers; must not throw.
using ExceptionHandler = void (*)(std::exception_ptr) noexcept;

namespace detail {

inline void print_exception(std::exception_ptr exception) noexcept {
  try {
    std::rethrow_exception(exception);
  } catch (const std::exception &error) {
    std::fprintf(stderr, "adieu: an exception left a callback: %s\n", error.what());
  } catch (...) {
    std::fputs("adieu: an exception left a callback\n", stderr);
  }
}

inline std::atomic<ExceptionHandler> exception_handler{print_exception};

/// Runs code of the host: what it throws goes no further.
template <class Run> void contain(Run &&run) noexcept {
  try {
    run();
  } catch (...) {
    exception_handler.load()(std::current_exception());
  }
}

inline std::string text(const char *text) { return text != nullptr ? text : ""; }

/// A C string that a NUL does not cut short.
class Text {
public:
  explicit Text(const std::string &text) : text_(&text) {
    if (text.find('\0') == std::string::npos)
      return;
    copy_ = text;
    for (char &byte : copy_)
      byte = byte == '\0' ? '\1' : byte;
    text_ = &copy_;
  }
  Text(const Text &) = delete;
  Text &operator=(const Text &) = delete;

  const char *get() const noexcept { return text_->c_str(); }
  const char *get_or_null() const noexcept { return text_->empty() ? nullptr : get(); }

private:
  const std::string *text_;
  std::string copy_;
};

inline Message value(const adieu_message &it) {
  return {it.position, it.time, text(it.sender), text(it.body), text(it.text)};
}

inline Conversation value(const adieu_conversation &it) {
  Conversation made{text(it.conversation_id), text(it.title), text(it.draft), it.message_count,
                    it.unread_count,          it.marks,       std::nullopt,   it.pinned != 0};
  if (it.last_message != nullptr)
    made.last_message = value(*it.last_message);
  return made;
}

inline PendingDeletion value(const adieu_pending_deletion &it) {
  return {it.deletion_id,    text(it.conversation_id),
          text(it.desc),     it.cut_off,
          it.accepted_at_ms, it.undo_until_ms,
          it.next_try_ms,    it.state,
          it.scope,          it.policy,
          it.attempts,       it.code,
          it.erased != 0};
}

inline DeletionResult value(const adieu_deletion_result &it) {
  return {text(it.conversation_id), text(it.desc), it.code};
}

inline Event value(const adieu_event &it) {
  Event made{it.kind,       it.cause,     it.scope,     it.sync_state,   text(it.conversation_id),
             text(it.desc), std::nullopt, std::nullopt, it.total_unread, it.deletion_id,
             it.code};
  if (it.conversation != nullptr)
    made.conversation = value(*it.conversation);
  if (it.pending != nullptr)
    made.pending = value(*it.pending);
  return made;
}

template <class C> auto values(const C *const *array, size_t count) {
  std::vector<decltype(value(**array))> made;
  made.reserve(count);
  for (size_t i = 0; i < count; ++i)
    made.push_back(value(*array[i]));
  return made;
}

/// The two callables of a call.
template <class OnValue, class OnError> struct Callables {
  OnValue value;
  OnError error;
};

/// The promise behind the future of a call.
template <class T> struct Promised {
  std::promise<T> promise;
  template <class... V> void value(V &&...value) { promise.set_value(std::forward<V>(value)...); }
  void error(const Error &error) { promise.set_exception(std::make_exception_ptr(error)); }
};

/// The only callback of a call: whoever waits for it is told, and goes.
template <class Waiting, class Tell> void finish(void *data, Tell &&tell) noexcept {
  std::unique_ptr<Waiting> waiting(static_cast<Waiting *>(data));
  contain([&] { tell(*waiting); });
  // Destroying what a callable has captured is code of the host too.
  contain([&] { waiting.reset(); });
}

template <class W> void on_success(void *data) noexcept {
  finish<W>(data, [](W &waiting) { waiting.value(); });
}

template <class W> void on_error(void *data, int32_t code, const char *desc) noexcept {
  finish<W>(data, [&](W &waiting) { waiting.error(Error(code, desc)); });
}

template <class W, class C>
void on_values(void *data, const C *const *array, size_t count) noexcept {
  finish<W>(data, [&](W &waiting) { waiting.value(values(array, count)); });
}

template <class W>
void on_verification(void *data, const adieu_verification *verification) noexcept {
  finish<W>(data, [&](W &waiting) { waiting.value(*verification); });
}

/// Which C callback brings a T.
template <class T> struct Brings;
template <> struct Brings<void> {
  template <class W> static constexpr auto callback = on_success<W>;
};
template <> struct Brings<adieu_verification> {
  template <class W> static constexpr auto callback = on_verification<W>;
};
template <> struct Brings<std::vector<Message>> {
  template <class W> static constexpr auto callback = on_values<W, adieu_message>;
};
template <> struct Brings<std::vector<Conversation>> {
  template <class W> static constexpr auto callback = on_values<W, adieu_conversation>;
};
template <> struct Brings<std::vector<PendingDeletion>> {
  template <class W> static constexpr auto callback = on_values<W, adieu_pending_deletion>;
};
template <> struct Brings<std::vector<DeletionResult>> {
  template <class W> static constexpr auto callback = on_values<W, adieu_deletion_result>;
};

/// Hands the three last arguments of a C function to `call`, which makes that call. What waits for
/// the outcome belongs to the callback once the call is accepted, and that may have run already.
template <class T, class W, class Call> int32_t start(std::unique_ptr<W> &waiting, Call &call) {
  const int32_t code =
      call(Brings<T>::template callback<W>, on_error<W>, static_cast<void *>(waiting.get()));
  if (code == ADIEU_OK)
    static_cast<void>(waiting.release());
  return code;
}

/// A call whose outcome goes to a future.
template <class T, class Call> std::future<T> submit(Call &&call) {
  auto waiting = std::make_unique<Promised<T>>();
  std::future<T> future = waiting->promise.get_future();
  const int32_t code = start<T>(waiting, call);
  if (code != ADIEU_OK)
    waiting->error(Error(code));
  return future;
}

/// A call whose outcome goes to one of two callables.
template <class T, class Call, class OnValue, class OnError>
int32_t submit(Call &&call, OnValue &&on_value, OnError &&on_error) {
  using W = Callables<std::decay_t<OnValue>, std::decay_t<OnError>>;
  std::unique_ptr<W> waiting(
      new W{std::forward<OnValue>(on_value), std::forward<OnError>(on_error)});
  return start<T>(waiting, call);
}

/// An array of C strings.
class Strings {
public:
  explicit Strings(const std::vector<std::string> &strings) {
    pointers_.reserve(strings.size() + 1); // NULL is no empty array
    for (const std::string &string : strings)
      pointers_.push_back(texts_.emplace_back(string).get());
  }
  const char *const *get() const noexcept { return pointers_.data(); }

private:
  std::deque<Text> texts_;
  std::vector<const char *> pointers_;
};

inline adieu_delete_options raw(const DeleteOptions &options) {
  adieu_delete_options raw = ADIEU_DELETE_OPTIONS_INIT;
  raw.timeout_ms = options.timeout_ms;
  raw.deletion_id = options.deletion_id;
  raw.policy = options.policy;
  raw.keep_history = options.keep_history ? 1 : 0;
  raw.undo_ms = options.undo_ms;
  return raw;
}

/// Leaves a form without options to calls without them.
template <class... Done>
using Callables0Or2 = std::enable_if_t<sizeof...(Done) == 0 || sizeof...(Done) == 2>;

using Listener = std::function<void(const Event &)>;

inline void on_event(void *data, const adieu_event *event) noexcept {
  contain([&] { (*static_cast<Listener *>(data))(value(*event)); });
}

inline void destroy_listener(void *data) noexcept {
  contain([&] { delete static_cast<Listener *>(data); });
}

} // namespace detail

/// Replaces what happens to exceptions that leave a callable; at first their text is printed to
/// standard error. Any thread.
inline void set_exception_handler(ExceptionHandler handler) noexcept {
  detail::exception_handler = handler != nullptr ? handler : detail::print_exception;
}

} // namespace adieu

#endif
