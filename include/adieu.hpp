// adieu.hpp: adieu.h for C++17. Header-only; link libadieu.
//
// SPDX-License-Identifier: Apache-2.0 OR MIT
//
//     adieu::Options options;
//     options.store_path = "/home/me/.local/share/chat/alice";
//     options.user_id = "alice";
//     options.server_url = "https://chat.example";
//     options.sdk_app_id = 1400000000;
//     options.user_sig = user_sig;
//
//     adieu::Client client(options);                       // throws adieu::Error
//     client.delete_conversation("c2c_bob").get();         // std::future<void>
//     client.delete_conversation("c2c_bob",                // or two callables
//         [] { ... },
//         [](const adieu::Error &error) { ... });
//
// CALLS       Each takes two callables, of which exactly one is called, exactly once, and returns
//             what the C function returns: ADIEU_OK, or a negative code when the call was refused
//             and none of the two is called. Without callables it returns a std::future, which
//             throws adieu::Error; a refused call is such an error too. What a call means, its
//             threads and its errors are told in adieu.h.
// CALLABLES   Anything that can be called, std::function and move-only lambdas included. They are
//             moved in, and destroyed after their call, or before a refused call returns.
// EXCEPTIONS  None crosses the C interface. One that leaves a callable ends there and is handed to
//             the handler of set_exception_handler. A get() of a future in a callback of its own
//             client waits for ever: the next callback cannot come.
// STRINGS     std::string in UTF-8. A NUL within is handed on as U+0001, which no id may hold, so
//             that no id is taken for a shorter one.

#ifndef ADIEU_HPP
#define ADIEU_HPP

#include <adieu/call.hpp>

namespace adieu {

/// Whether the library that was loaded works with the header that this was compiled with.
inline bool is_compatible() noexcept {
  const uint32_t version = adieu_abi_version();
  return version >> 16 == ADIEU_ABI_MAJOR && (version & 0xffff) >= ADIEU_ABI_MINOR;
}

/// One account on one device, open. Closed when it goes: outside a callback that waits for the last
/// callback; in one it takes effect when that callback returns. Every function may be called from
/// every thread.
class Client {
public:
  /// Opens it. Throws Error.
  explicit Client(const Options &options) {
    if (!is_compatible())
      throw Error(ADIEU_ERR_ABI, std::string("adieu.hpp was compiled for another libadieu than ") +
                                     adieu_version());
    const detail::Text path(options.store_path), user(options.user_id), url(options.server_url),
        device(options.device_id), sig(options.user_sig), authorities(options.ca_certificates);
    adieu_client_options raw = ADIEU_CLIENT_OPTIONS_INIT;
    raw.delivery = options.delivery;
    raw.store_path = path.get();
    raw.user_id = user.get();
    raw.master_key = options.master_key ? options.master_key->data() : nullptr;
    raw.server_url = url.get_or_null();
    raw.sdk_app_id = options.sdk_app_id;
    raw.device_id = device.get_or_null();
    raw.user_sig = sig.get_or_null();
    raw.post = options.post;
    raw.post_data = options.post_data;
    raw.live_sync = options.live_sync ? 1 : 0;
    raw.ca_certificates = authorities.get_or_null();
    adieu_listener listener = ADIEU_LISTENER_INIT;
    if (options.listener) {
      listener.on_event = detail::on_event;
      listener.user_data = new detail::Listener(options.listener);
      listener.user_data_destructor = detail::destroy_listener;
      raw.listener = &listener;
    }
    char why[512] = "";
    const int32_t code = adieu_client_open(&raw, &client_, why, sizeof why);
    if (code != ADIEU_OK)
      throw Error(code, why[0] != '\0' ? why : adieu_strerror(code));
  }

  Client(Client &&other) noexcept : client_(std::exchange(other.client_, nullptr)) {}
  Client &operator=(Client &&other) noexcept {
    if (this != &other) {
      close();
      client_ = std::exchange(other.client_, nullptr);
    }
    return *this;
  }
  ~Client() { close(); }

  /// For functions of adieu.h. NULL after a move.
  adieu_client *get() const noexcept { return client_; }

  /// adieu_client_close: ADIEU_OK, or ADIEU_PENDING in a callback. Again: harmless.
  int32_t close() noexcept { return client_ != nullptr ? adieu_client_close(client_) : ADIEU_OK; }

  /// adieu_client_close_async; the callable is called when all is over. Returns a code.
  template <class OnClosed> int32_t close_async(OnClosed &&on_closed) {
    return detail::submit<void>(
        [&](auto on_success, auto, void *data) {
          return adieu_client_close_async(client_, on_success, data);
        },
        std::forward<OnClosed>(on_closed), [](const Error &) {});
  }

  /// Callbacks that ran, or a negative code.
  int32_t poll() noexcept { return adieu_client_poll(client_); }

  int32_t sign_in(const std::string &user_sig) {
    return adieu_sign_in(client_, detail::Text(user_sig).get());
  }
  int32_t network_changed(bool online) noexcept {
    return adieu_network_changed(client_, online ? 1 : 0);
  }

  /// Throws Error.
  uint64_t total_unread() const {
    uint64_t total = 0;
    check(adieu_total_unread(client_, &total));
    return total;
  }

  /// Throws Error.
  adieu_receipt receipt(const DeletionId &deletion_id) const {
    adieu_receipt receipt = ADIEU_RECEIPT_INIT;
    check(adieu_get_receipt(client_, &deletion_id, &receipt));
    return receipt;
  }

  // `done` is two callables, or nothing for a future.

  /// Deletes a conversation for good: from the server, then from this device.
  template <class... Done, class = detail::Callables0Or2<Done...>>
  auto delete_conversation(const std::string &id, Done &&...done) {
    const detail::Text text(id);
    return detail::submit<void>(
        [&](auto... back) { return adieu_delete_conversation(client_, text.get(), back...); },
        std::forward<Done>(done)...);
  }

  template <class... Done>
  auto delete_conversation(const std::string &id, const DeleteOptions &options, Done &&...done) {
    const detail::Text text(id);
    const adieu_delete_options raw = detail::raw(options);
    return detail::submit<void>(
        [&](auto... back) {
          return adieu_delete_conversation_with_options(client_, text.get(), &raw, back...);
        },
        std::forward<Done>(done)...);
  }

  template <class... Done>
  auto clear_history(const std::string &id, const DeleteOptions &options, Done &&...done) {
    const detail::Text text(id);
    const adieu_delete_options raw = detail::raw(options);
    return detail::submit<void>(
        [&](auto... back) { return adieu_clear_history(client_, text.get(), &raw, back...); },
        std::forward<Done>(done)...);
  }

  /// std::vector<DeletionResult>, in the order of the ids.
  template <class... Done>
  auto delete_conversations(const std::vector<std::string> &ids, const DeleteOptions &options,
                            Done &&...done) {
    const detail::Strings strings(ids);
    const adieu_delete_options raw = detail::raw(options);
    return detail::submit<std::vector<DeletionResult>>(
        [&](auto... back) {
          return adieu_delete_conversations(client_, strings.get(), ids.size(), &raw, back...);
        },
        std::forward<Done>(done)...);
  }

  template <class... Done>
  auto pin_conversation(const std::string &id, bool pinned, Done &&...done) {
    const detail::Text text(id);
    return detail::submit<void>(
        [&](auto... back) {
          return adieu_pin_conversation(client_, text.get(), pinned ? 1 : 0, back...);
        },
        std::forward<Done>(done)...);
  }

  template <class... Done>
  auto set_draft(const std::string &id, const std::string &draft, Done &&...done) {
    const detail::Text text(id), drafted(draft);
    return detail::submit<void>(
        [&](auto... back) { return adieu_set_draft(client_, text.get(), drafted.get(), back...); },
        std::forward<Done>(done)...);
  }

  template <class... Done>
  auto mark_conversation(const std::string &id, uint64_t set, uint64_t clear, Done &&...done) {
    const detail::Text text(id);
    return detail::submit<void>(
        [&](auto... back) {
          return adieu_mark_conversation(client_, text.get(), set, clear, back...);
        },
        std::forward<Done>(done)...);
  }

  template <class... Done> auto mark_read(const std::string &id, uint64_t through, Done &&...done) {
    const detail::Text text(id);
    return detail::submit<void>(
        [&](auto... back) { return adieu_mark_read(client_, text.get(), through, back...); },
        std::forward<Done>(done)...);
  }

  template <class... Done> auto pull(Done &&...done) {
    return detail::submit<void>([&](auto... back) { return adieu_pull(client_, back...); },
                                std::forward<Done>(done)...);
  }

  /// std::vector<Conversation>: what is pinned, then the rest, each the newest first.
  template <class... Done> auto list_conversations(Done &&...done) {
    return detail::submit<std::vector<Conversation>>(
        [&](auto... back) { return adieu_list_conversations(client_, back...); },
        std::forward<Done>(done)...);
  }

  /// std::vector<Message>, the newest first.
  template <class... Done>
  auto get_history(const std::string &id, uint64_t before, size_t count, Done &&...done) {
    const detail::Text text(id);
    return detail::submit<std::vector<Message>>(
        [&](auto... back) {
          return adieu_get_history(client_, text.get(), before, count, back...);
        },
        std::forward<Done>(done)...);
  }

  template <class... Done>
  auto save_messages(const std::string &id, const std::vector<NewMessage> &messages,
                     Done &&...done) {
    const detail::Text text(id);
    std::deque<detail::Text> texts;
    std::vector<adieu_new_message> raw(messages.size(), ADIEU_NEW_MESSAGE_INIT);
    for (size_t i = 0; i < messages.size(); ++i) {
      raw[i].position = messages[i].position;
      raw[i].time = messages[i].time;
      raw[i].sender = texts.emplace_back(messages[i].sender).get();
      raw[i].body = texts.emplace_back(messages[i].body).get();
    }
    return detail::submit<void>(
        [&](auto... back) {
          return adieu_save_messages(client_, text.get(), raw.data(), raw.size(), back...);
        },
        std::forward<Done>(done)...);
  }

  /// std::vector<PendingDeletion>, the oldest first.
  template <class... Done> auto list_pending(Done &&...done) {
    return detail::submit<std::vector<PendingDeletion>>(
        [&](auto... back) { return adieu_list_pending(client_, back...); },
        std::forward<Done>(done)...);
  }

  template <class... Done> auto undo_delete(const DeletionId &id, Done &&...done) {
    return detail::submit<void>(
        [&](auto... back) { return adieu_undo_delete(client_, &id, back...); },
        std::forward<Done>(done)...);
  }
  template <class... Done> auto cancel_deletion(const DeletionId &id, Done &&...done) {
    return detail::submit<void>(
        [&](auto... back) { return adieu_cancel_deletion(client_, &id, back...); },
        std::forward<Done>(done)...);
  }
  template <class... Done> auto retry_deletion(const DeletionId &id, Done &&...done) {
    return detail::submit<void>(
        [&](auto... back) { return adieu_retry_deletion(client_, &id, back...); },
        std::forward<Done>(done)...);
  }
  template <class... Done> auto acknowledge_deletion(const DeletionId &id, Done &&...done) {
    return detail::submit<void>(
        [&](auto... back) { return adieu_acknowledge_deletion(client_, &id, back...); },
        std::forward<Done>(done)...);
  }

  /// adieu_verification.
  template <class... Done>
  auto verify_erased(const std::string &id, const std::vector<std::string> &texts, Done &&...done) {
    const detail::Text text(id);
    const detail::Strings strings(texts);
    return detail::submit<adieu_verification>(
        [&](auto... back) {
          return adieu_verify_erased(client_, text.get(), strings.get(), texts.size(), back...);
        },
        std::forward<Done>(done)...);
  }

private:
  static void check(int32_t code) {
    if (code != ADIEU_OK)
      throw Error(code);
  }

  adieu_client *client_ = nullptr;
};

} // namespace adieu

#endif
