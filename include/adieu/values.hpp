// What adieu.hpp takes and brings. Include adieu.hpp.
//
// SPDX-License-Identifier: Apache-2.0 OR MIT

#ifndef ADIEU_VALUES_HPP
#define ADIEU_VALUES_HPP

#include <adieu.h>

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>

namespace adieu {

/// What went wrong: one of the ADIEU_ERR_ codes or a code of the server, and a text.
class Error : public std::runtime_error {
public:
  Error(int32_t code, const std::string &text) : std::runtime_error(text), code_(code) {}
  Error(int32_t code, const char *text) : std::runtime_error(text), code_(code) {}
  explicit Error(int32_t code) : Error(code, adieu_strerror(code)) {}

  int32_t code() const noexcept { return code_; }
  /// Whether trying the same call again can help.
  bool retryable() const noexcept { return adieu_is_retryable(code_) == 1; }

private:
  int32_t code_;
};

struct Message {
  uint64_t position = 0, time = 0;
  std::string sender, body, text;
};

struct Conversation {
  std::string conversation_id, title, draft;
  uint64_t message_count = 0, unread_count = 0, marks = 0;
  std::optional<Message> last_message;
  bool pinned = false;
};

using DeletionId = adieu_deletion_id;

struct PendingDeletion {
  DeletionId deletion_id{};
  std::string conversation_id, desc;
  uint64_t cut_off = 0, accepted_at_ms = 0, undo_until_ms = 0, next_try_ms = 0;
  uint32_t state = 0, scope = 0, policy = 0, attempts = 0;
  int32_t code = 0;
  bool erased = false;
};

/// What became of one conversation of a list.
struct DeletionResult {
  std::string conversation_id, desc;
  int32_t code = 0;
};

/// See adieu_event.
struct Event {
  uint32_t kind = 0, cause = 0, scope = 0, sync_state = 0;
  std::string conversation_id, desc;
  std::optional<Conversation> conversation;
  std::optional<PendingDeletion> pending;
  uint64_t total_unread = 0;
  DeletionId deletion_id{};
  int32_t code = 0;
};

/// A message that the host saves.
struct NewMessage {
  uint64_t position = 0, time = 0;
  std::string sender, body;
};

/// See adieu_delete_options.
struct DeleteOptions {
  uint32_t policy = ADIEU_POLICY_FAIL;
  uint32_t timeout_ms = 0, undo_ms = 0;
  bool keep_history = false;
  /// Where the deletion's id is written; for a list, as many as it has conversations.
  DeletionId *deletion_id = nullptr;
};

/// See adieu_client_options. What is empty is passed as NULL.
struct Options {
  std::string store_path, user_id, server_url, ca_certificates, device_id, user_sig;
  uint64_t sdk_app_id = 0;
  std::optional<std::array<uint8_t, 32>> master_key;
  bool live_sync = false;
  uint32_t delivery = ADIEU_DELIVER_ON_LIBRARY_THREAD;
  /// Plain C, since it is called up to the very end of the client.
  adieu_post_hook post = nullptr;
  void *post_data = nullptr;
  /// Who hears of events; destroyed after the last one.
  std::function<void(const Event &)> listener;
};

} // namespace adieu

#endif
