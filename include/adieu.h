/* adieu.h: deletes instant-messaging conversations for good.
 *
 * SPDX-License-Identifier: Apache-2.0 OR MIT
 * Generated from src/ffi; do not edit.
 *
 * THE SHORTEST WAY
 *
 *     adieu_client_options options = ADIEU_CLIENT_OPTIONS_INIT;
 *     options.store_path = "/home/me/.local/share/chat/alice";
 *     options.user_id = "alice";
 *     options.server_url = "https://chat.example";
 *     options.sdk_app_id = 1400000000;
 *     options.user_sig = user_sig;
 *
 *     adieu_client *client;
 *     char why[256];
 *     if (adieu_client_open(&options, &client, why, sizeof why) != ADIEU_OK) ...
 *     adieu_delete_conversation(client, "c2c_bob", on_success, on_error, user_data);
 *     ...
 *     adieu_client_close(client);
 *
 * NAMES       adieu_noun_verb() and adieu_verb_noun() are functions, adieu_noun is a type,
 *             ADIEU_ERR_REASON is a code.
 * CODES       int32_t. 0 is success, negative ones are adieu's own, positive ones are the numbers
 *             of the vendor's SDK and REST API. A code that you do not know is a failure.
 * STRINGS     UTF-8, NUL-terminated. What you pass in is copied before the call returns; what a
 *             callback gets is valid until it returns.
 * OWNERSHIP   You own user_data. The library passes it through and never looks behind it.
 * STRUCTS     Options begin with struct_size: start from their _INIT macro. Structs that the
 *             library hands out may grow at the end; never copy them by sizeof across versions.
 * THREADS     Every function may be called from every thread, and from callbacks. Callbacks of
 *             one client never overlap; by default they come on a thread of the library, or on
 *             yours when you poll (ADIEU_DELIVER_BY_POLL).
 * EVENTS      A listener (adieu_client_options.listener) hears of conversations that are new, changed
 *             or deleted, of pending deletions, and of the line to the server, in one order with
 *             the callbacks.
 * CALLBACKS   must return normally: no longjmp and no C++ exception may leave one.
 * FORK        A forked child can call nothing here but adieu_strerror and the versions; every
 *             other function answers ADIEU_ERR_FORKED.
 */

#ifndef ADIEU_H
#define ADIEU_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32) && !defined(ADIEU_STATIC)
#define ADIEU_API __declspec(dllimport)
#else
#define ADIEU_API
#endif

/*
 Most conversations in one adieu_delete_conversations.
 */
#define ADIEU_MAX_BATCH 100

/*
 Callbacks come on a thread of the library.
 */
#define ADIEU_DELIVER_ON_LIBRARY_THREAD 0

/*
 Callbacks come on the thread that calls adieu_client_poll.
 */
#define ADIEU_DELIVER_BY_POLL 1

/*
 Milliseconds that a deletion waits for the server when its options say nothing.
 */
#define ADIEU_DEFAULT_TIMEOUT_MS 15000

/*
 When the server does not carry the deletion out, the call fails and the device keeps all of
 it.
 */
#define ADIEU_POLICY_FAIL 0

/*
 Hidden and erased on this device at once; pending until the server has confirmed, and tried
 again for as long as that takes, across restarts. `on_success` waits for the server; a final
 refusal goes to `on_error` and stays in the list of pending deletions.
 */
#define ADIEU_POLICY_QUEUE 1

/*
 Erased on this device, and the server is not asked: for a conversation or an account that the
 server has lost. Ends in `on_error` with ADIEU_LOCAL_ONLY, since `on_success` promises more
 (in a client without a server, where it does not, in `on_success`).
 */
#define ADIEU_POLICY_LOCAL_ONLY 2

/*
 The list shows a conversation that it did not show: `conversation`.
 */
#define ADIEU_EVENT_CONVERSATION_NEW 1

/*
 The list shows something else of a conversation, or may: `conversation`.
 */
#define ADIEU_EVENT_CONVERSATION_CHANGED 2

/*
 A conversation has left the list for good (one within its undo window has not; for that there is
 ADIEU_EVENT_PENDING_CHANGED): `conversation_id`, `cause`, `scope`, and `deletion_id` where
 this device made the deletion. Until a newer message brings it back, no other event names it.
 */
#define ADIEU_EVENT_CONVERSATION_DELETED 3

/*
 A deletion is pending, stands elsewhere than before, or is pending no longer: `pending`, and
 `conversation_id`, `deletion_id`, `code` and `desc` as there.
 */
#define ADIEU_EVENT_PENDING_CHANGED 4

/*
 The server does not take the UserSig (any more): `code`, `desc`. Told once, until adieu_sign_in
 gives another one.
 */
#define ADIEU_EVENT_SIGN_IN_NEEDED 5

/*
 The pulling of the server's state has begun, finished or failed: `sync_state`, and `code` and
 `desc` when it failed.
 */
#define ADIEU_EVENT_SYNC_CHANGED 6

/*
 Unread messages in all conversations: `total_unread`.
 */
#define ADIEU_EVENT_TOTAL_UNREAD_CHANGED 7

/*
 A call on this device.
 */
#define ADIEU_CAUSE_THIS_DEVICE 0

/*
 Another device of the user.
 */
#define ADIEU_CAUSE_ANOTHER_DEVICE 1

/*
 A back end, through the server's REST API.
 */
#define ADIEU_CAUSE_BACK_END 2

/*
 The conversation with its history.
 */
#define ADIEU_SCOPE_EVERYTHING 0

/*
 The list entry; the history stays.
 */
#define ADIEU_SCOPE_LIST_ENTRY 1

/*
 The history; the list entry stays.
 */
#define ADIEU_SCOPE_HISTORY 2

/*
 Pulling has begun.
 */
#define ADIEU_SYNC_STARTED 1

/*
 The device has what the server had.
 */
#define ADIEU_SYNC_FINISHED 2

/*
 Pulling broke off; what came is kept.
 */
#define ADIEU_SYNC_FAILED 3

/*
 What it takes is hidden, and it can still be undone (adieu_undo_delete).
 */
#define ADIEU_PENDING_UNDOABLE 1

/*
 The server is being asked, or is about to be.
 */
#define ADIEU_PENDING_ASKING 2

/*
 The server is asked again at `next_try_ms`, or at once after adieu_retry_deletion,
 adieu_sign_in or adieu_network_changed.
 */
#define ADIEU_PENDING_WAITING 3

/*
 The server refused, and trying again does not help by itself: `code` and `desc` say why. It is
 kept until adieu_acknowledge_deletion or a successful adieu_retry_deletion.
 */
#define ADIEU_PENDING_REFUSED 4

/*
 Only in events: it has succeeded.
 */
#define ADIEU_PENDING_DONE 5

/*
 Only in events: it was undone or cancelled; nothing was deleted.
 */
#define ADIEU_PENDING_CANCELLED 6

/*
 Only in events: it has failed, or its refusal was acknowledged; it is not tried again.
 */
#define ADIEU_PENDING_FAILED 7

/*
 Accepted, or done.
 */
#define ADIEU_OK 0

/*
 Not finished yet. From adieu_client_close: called from a callback, it takes effect when that
 callback returns. To an error callback: the client closed before the outcome was known; the
 deletion is written down and is taken up when the store is opened again.
 */
#define ADIEU_PENDING 1

/*
 To an error callback, of a deletion with ADIEU_POLICY_LOCAL_ONLY: it is done on this device,
 and the server was not asked.
 */
#define ADIEU_LOCAL_ONLY 2

/*
 The handle is NULL, stale (closed before) or not from this library. It was not dereferenced.
 */
#define ADIEU_ERR_INVALID_HANDLE -1

/*
 A pointer that may not be NULL is NULL, or an option has an impossible value.
 */
#define ADIEU_ERR_INVALID_ARGUMENT -2

/*
 The client is closing.
 */
#define ADIEU_ERR_CLOSED -3

/*
 This process is a fork of the one that opened the client. Nothing works in it but exec.
 */
#define ADIEU_ERR_FORKED -4

/*
 struct_size is smaller than the first release knew or ends within a field, or the struct uses
 fields that this older library does not know.
 */
#define ADIEU_ERR_ABI -5

/*
 A bug in the library. It went no further than this request.
 */
#define ADIEU_ERR_PANIC -6

/*
 The request may have reached the server and no readable answer came. The device still has all
 of the conversation; the deletion is written down and is settled at the next connection.
 */
#define ADIEU_ERR_OUTCOME_UNKNOWN -7

/*
 There is nothing under this id (any more).
 */
#define ADIEU_ERR_NOT_FOUND -8

/*
 The deletion has gone too far to be taken back.
 */
#define ADIEU_ERR_TOO_LATE -9

/*
 The store is open in another process or client.
 */
#define ADIEU_ERR_STORE_LOCKED -10

/*
 The store was written by a newer version of this library.
 */
#define ADIEU_ERR_STORE_NEWER -11

/*
 A file of the store is damaged. Nothing was overwritten.
 */
#define ADIEU_ERR_STORE_DAMAGED -12

/*
 The master key is not the one that the store was made with.
 */
#define ADIEU_ERR_MASTER_KEY -13

/*
 The store's folder does not exist or cannot be used.
 */
#define ADIEU_ERR_STORE_PATH -14

/*
 The deletion was undone or cancelled; nothing was deleted.
 */
#define ADIEU_ERR_CANCELLED -15

/*
 HTTP, but no answer of this API (vendor's number).
 */
#define ADIEU_ERR_BAD_ANSWER 6010

/*
 No UserSig was given (vendor's number).
 */
#define ADIEU_ERR_NOT_SIGNED_IN 6014

/*
 A parameter breaks a rule; the text says what is allowed (vendor's number).
 */
#define ADIEU_ERR_INVALID_PARAMETER 6017

/*
 The store's database failed (vendor's number).
 */
#define ADIEU_ERR_STORE_FAILED 6019

/*
 The disk failed or is full (vendor's number).
 */
#define ADIEU_ERR_STORE_IO 6022

/*
 The server cannot be reached (vendor's number).
 */
#define ADIEU_ERR_NETWORK_UNREACHABLE 9508

/*
 Connecting to the server timed out (vendor's number).
 */
#define ADIEU_ERR_CONNECT_TIMED_OUT 9510

/*
 The server refused the connection (vendor's number).
 */
#define ADIEU_ERR_CONNECTION_REFUSED 9511

/*
 The timeout passed before the request could be sent (vendor's number).
 */
#define ADIEU_ERR_QUEUE_TIMED_OUT 9518

/*
 The UserSig has expired (vendor's number).
 */
#define ADIEU_ERR_USER_SIG_EXPIRED 70001

/*
 Major number of the ABI. Raised only when programs built against an older header would break.
 */
#define ADIEU_ABI_MAJOR 0

/*
 Minor number of the ABI. Raised when something is added.
 */
#define ADIEU_ABI_MINOR 2

/*
 One account on one device, open. Opaque: the value is a number that the library looks up, and
 a stale one is an error, never a crash. All functions that take one may be called from any
 thread.
 */
typedef struct adieu_client adieu_client;

/*
 Called once for a `user_data` that will not be used any more.
 */
typedef void (*adieu_user_data_destructor)(void *user_data);

/*
 The name of one deletion, unique for its user.
 */
typedef struct adieu_deletion_id {
  /*
   Opaque.
   */
  uint8_t bytes[16];
} adieu_deletion_id;

/*
 How a conversation is deleted. Begin with ADIEU_DELETE_OPTIONS_INIT.
 */
typedef struct adieu_delete_options {
  /*
   sizeof(adieu_delete_options).
   */
  uint32_t struct_size;
  /*
   How long to wait for the server, in milliseconds; 0 is ADIEU_DEFAULT_TIMEOUT_MS.
   */
  uint32_t timeout_ms;
  /*
   Called exactly once with `user_data`: after the last callback, or before the call returns
   when it is refused. May be NULL.
   */
  adieu_user_data_destructor user_data_destructor;
  /*
   When not NULL, receives the deletion's id, before any callback can come. Means nothing when
   the call is refused. A call that joins an equal one under way is known by its own id too;
   events and the list of pending deletions name the one that it joined.
   */
  struct adieu_deletion_id *deletion_id;
  /*
   One of ADIEU_POLICY_.
   */
  uint32_t policy;
  /*
   1: the conversation only leaves the list, here and on the server; its messages return with
   it, when a newer one comes. Pin, draft, marks and unread count go. 0: the messages go.
   */
  uint32_t keep_history;
  /*
   Milliseconds within which adieu_undo_delete brings everything back, up to 7 days; 0: none.
   What it takes is hidden at once, and everything else waits until they are over: the
   conversation leaves the list, or with adieu_clear_history stays in it without messages.
   */
  uint32_t undo_ms;
  /*
   Must be 0.
   */
  uint32_t reserved;
} adieu_delete_options;

/*
 What became of one conversation of a list. Fields may be added at the end in later releases.
 */
typedef struct adieu_deletion_result {
  /*
   As it was given; "" where it was NULL.
   */
  const char *conversation_id;
  /*
   What the error text says; "" on success.
   */
  const char *desc;
  /*
   ADIEU_OK, or the code that adieu_delete_conversation would have failed with.
   */
  int32_t code;
} adieu_deletion_result;

/*
 Called with one result for each conversation, in the order of the call. The array and
 everything in it is valid until the callback returns.
 */
typedef void (*adieu_results_callback)(void *user_data,
                                       const struct adieu_deletion_result *const *results,
                                       size_t count);

/*
 Called when a call has failed: one of the ADIEU_ERR_ codes or a code of the server, and a text
 that says what was wrong and what is allowed. `desc` is never NULL and is valid until the
 callback returns.
 */
typedef void (*adieu_error_callback)(void *user_data,
                                     int32_t code,
                                     const char *desc);

/*
 Called when a call has succeeded.
 */
typedef void (*adieu_success_callback)(void *user_data);

/*
 Called when there is something to poll for after there was nothing, on any thread of the
 library. It asks the host's loop to call adieu_client_poll soon (PostMessage, dispatch_async,
 uv_async_send ...); it must return quickly. Calls are coalesced; one that fails or is late
 does no harm.
 */
typedef void (*adieu_post_hook)(void *post_data);

/*
 A message. Fields may be added at the end in later releases.
 */
typedef struct adieu_message {
  /*
   Its place in the conversation, from 1 up.
   */
  uint64_t position;
  /*
   When it was sent, in Unix seconds.
   */
  uint64_t time;
  /*
   User id of the sender.
   */
  const char *sender;
  /*
   What was stored: for messages from the server, the JSON array of elements.
   */
  const char *body;
  /*
   The texts of the body's text elements, joined; the body itself where it is not such an
   array.
   */
  const char *text;
} adieu_message;

/*
 A line of the conversation list. Fields may be added at the end in later releases.
 */
typedef struct adieu_conversation {
  /*
   c2c_<user> or group_<group>.
   */
  const char *conversation_id;
  /*
   The group's name; "" for a one-to-one conversation.
   */
  const char *title;
  /*
   Messages on this device.
   */
  uint64_t message_count;
  /*
   Those of them from others that are unread.
   */
  uint64_t unread_count;
  /*
   The newest message; NULL when there is none.
   */
  const struct adieu_message *last_message;
  /*
   What the user began to write; "" where there is nothing.
   */
  const char *draft;
  /*
   The bits that adieu_mark_conversation set.
   */
  uint64_t marks;
  /*
   1 when it is pinned.
   */
  uint32_t pinned;
} adieu_conversation;

/*
 A deletion whose outcome is open. Fields may be added at the end in later releases.
 */
typedef struct adieu_pending_deletion {
  /*
   Its id.
   */
  struct adieu_deletion_id deletion_id;
  /*
   c2c_<user> or group_<group>.
   */
  const char *conversation_id;
  /*
   Why the last attempt was in vain; "" before the first.
   */
  const char *desc;
  /*
   The last position that it covers; 0 when the device knows none.
   */
  uint64_t cut_off;
  /*
   When it was accepted, in Unix milliseconds.
   */
  uint64_t accepted_at_ms;
  /*
   Until when it can be undone, in Unix milliseconds; 0: it has no undo window.
   */
  uint64_t undo_until_ms;
  /*
   When the server is asked again, in Unix milliseconds; 0 where time does not decide.
   */
  uint64_t next_try_ms;
  /*
   One of ADIEU_PENDING_.
   */
  uint32_t state;
  /*
   One of ADIEU_SCOPE_.
   */
  uint32_t scope;
  /*
   One of ADIEU_POLICY_.
   */
  uint32_t policy;
  /*
   How often the server was asked in vain.
   */
  uint32_t attempts;
  /*
   The code of the last attempt; ADIEU_OK before the first.
   */
  int32_t code;
  /*
   1 when this device's copy is erased already.
   */
  uint32_t erased;
} adieu_pending_deletion;

/*
 Something that happened. Which fields mean something, the kind says; the others are NULL, ""
 or 0. Fields may be added at the end in later releases, and kinds too: pass over one that you
 do not know. Everything is valid until the callback returns.
 */
typedef struct adieu_event {
  /*
   One of ADIEU_EVENT_.
   */
  uint32_t kind;
  /*
   One of ADIEU_CAUSE_.
   */
  uint32_t cause;
  /*
   One of ADIEU_SCOPE_.
   */
  uint32_t scope;
  /*
   One of ADIEU_SYNC_.
   */
  uint32_t sync_state;
  /*
   Which conversation; "" where it is about none.
   */
  const char *conversation_id;
  /*
   What the list shows of it now.
   */
  const struct adieu_conversation *conversation;
  /*
   The deletion that is or was pending.
   */
  const struct adieu_pending_deletion *pending;
  /*
   What `code` means; "" for ADIEU_OK.
   */
  const char *desc;
  /*
   Unread messages in all conversations.
   */
  uint64_t total_unread;
  /*
   Which deletion; zeros for none of this device's.
   */
  struct adieu_deletion_id deletion_id;
  /*
   What went wrong.
   */
  int32_t code;
} adieu_event;

/*
 Called for every event, as callbacks are: on the thread that delivers, one after the other, in
 the order in which things happened, between the callbacks of calls.
 */
typedef void (*adieu_event_callback)(void *user_data,
                                     const struct adieu_event *event);

/*
 Who hears of events. Begin with ADIEU_LISTENER_INIT.
 */
typedef struct adieu_listener {
  /*
   sizeof(adieu_listener).
   */
  uint32_t struct_size;
  /*
   Must be 0.
   */
  uint32_t reserved;
  /*
   Not NULL.
   */
  adieu_event_callback on_event;
  /*
   Handed to `on_event`.
   */
  void *user_data;
  /*
   Called exactly once with `user_data`: after the last event, when the client is closed, or
   when it could not be opened for another reason than this listener. May be NULL.
   */
  adieu_user_data_destructor user_data_destructor;
} adieu_listener;

/*
 How a client is opened. Begin with ADIEU_CLIENT_OPTIONS_INIT, which sets struct_size and
 clears the rest. Strings are copied.
 */
typedef struct adieu_client_options {
  /*
   sizeof(adieu_client_options).
   */
  uint32_t struct_size;
  /*
   ADIEU_DELIVER_ON_LIBRARY_THREAD or ADIEU_DELIVER_BY_POLL.
   */
  uint32_t delivery;
  /*
   Folder of this account's store; UTF-8; it must exist. One client at a time opens it.
   */
  const char *store_path;
  /*
   Whose account this is: 1 to 32 bytes of printable ASCII.
   */
  const char *user_id;
  /*
   32 bytes from the platform's keystore that wrap every key of the store. NULL keeps a
   generated key in the folder, readable for the file's owner: that protects against nobody
   who can read the folder.
   */
  const uint8_t *master_key;
  /*
   https://HOST[:PORT][/PATH] of adieu-server; http:// is taken for this machine itself only.
   NULL: there is no server, and deleting is erasing on this device.
   */
  const char *server_url;
  /*
   The app's SDKAppID.
   */
  uint64_t sdk_app_id;
  /*
   Names this device among the user's devices: 1 to 64 bytes of printable ASCII. NULL: a name
   that the store makes and keeps.
   */
  const char *device_id;
  /*
   The user's credential, made by the app's back end. NULL: not signed in yet.
   */
  const char *user_sig;
  /*
   With ADIEU_DELIVER_BY_POLL: called when there is something to poll for. May be NULL.
   */
  adieu_post_hook post;
  /*
   Handed to `post`.
   */
  void *post_data;
  /*
   Who hears of events; copied. NULL: nobody.
   */
  const struct adieu_listener *listener;
  /*
   1: the client stays up to date by itself, with one long-poll that the server answers when
   something changes; what came is told by ADIEU_EVENT_SYNC_CHANGED and the events of
   conversations. 0: it pulls when adieu_pull asks for it.
   */
  uint32_t live_sync;
  /*
   Must be 0.
   */
  uint32_t reserved;
  /*
   Certificates of the authorities that the server's has to come from, in PEM form, one after
   the other: a company's own, say. NULL: the authorities of Mozilla's list, as it was when
   this library was built. (Since ABI 0.2.)
   */
  const char *ca_certificates;
} adieu_client_options;

/*
 Called with the conversation list: what is pinned, then the rest, each the newest first. The array and everything in it is valid
 until the callback returns.
 */
typedef void (*adieu_conversations_callback)(void *user_data,
                                             const struct adieu_conversation *const *conversations,
                                             size_t count);

/*
 What a deletion did. Set struct_size before asking.
 */
typedef struct adieu_receipt {
  /*
   sizeof(adieu_receipt).
   */
  uint32_t struct_size;
  /*
   0.
   */
  uint32_t reserved;
  /*
   The last position that was deleted.
   */
  uint64_t cut_off;
  /*
   Nanoseconds from the beginning of the erasure on this device until nothing could bring the
   messages back.
   */
  uint64_t erase_ns;
  /*
   Nanoseconds from the call until that moment, the answer of the server included.
   */
  uint64_t total_ns;
} adieu_receipt;

/*
 Called with a page of history, the newest first. The array and everything in it is valid until
 the callback returns.
 */
typedef void (*adieu_messages_callback)(void *user_data,
                                        const struct adieu_message *const *messages,
                                        size_t count);

/*
 A message that the host saves. Begin with ADIEU_NEW_MESSAGE_INIT.
 */
typedef struct adieu_new_message {
  /*
   sizeof(adieu_new_message), the same in every element of an array.
   */
  uint32_t struct_size;
  /*
   Must be 0.
   */
  uint32_t reserved;
  /*
   Its place in the conversation: 1 to 2^63 - 2, growing within the conversation.
   */
  uint64_t position;
  /*
   When it was sent, in Unix seconds.
   */
  uint64_t time;
  /*
   User id of the sender: 1 to 32 bytes of printable ASCII.
   */
  const char *sender;
  /*
   Anything in UTF-8, up to 1 MiB.
   */
  const char *body;
} adieu_new_message;

/*
 Called with the pending deletions, the oldest first. The array and everything in it is valid
 until the callback returns.
 */
typedef void (*adieu_pending_callback)(void *user_data,
                                       const struct adieu_pending_deletion *const *pending,
                                       size_t count);

/*
 What a forensic look found. Fields may be added at the end in later releases.
 */
typedef struct adieu_verification {
  /*
   Distinct strings that were looked for.
   */
  uint64_t searched;
  /*
   Those of them that stand, byte for byte, in some file of the store. 0 is what you want.
   */
  uint64_t found;
  /*
   Distinct strings that were left out because they are shorter than 8 bytes.
   */
  uint64_t left_out_short;
  /*
   Distinct strings that were left out because a surviving conversation holds them too.
   */
  uint64_t left_out_shared;
  /*
   Records that belong to the deleted part of the conversation and can still be decoded. 0 is
   what you want.
   */
  uint64_t readable_records;
  /*
   Records of all conversations that were decoded.
   */
  uint64_t records;
  /*
   Bytes of the store's files that were searched.
   */
  uint64_t bytes;
} adieu_verification;

/*
 Called with what the look found; valid until the callback returns.
 */
typedef void (*adieu_verification_callback)(void *user_data,
                                            const struct adieu_verification *verification);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/*
 Deletes 1 to ADIEU_MAX_BATCH conversations, each as adieu_delete_conversation would. They share
 their flushes and their requests to the server. One that fails leaves the others alone: its
 result says why. An id that breaks the rules is such a failure.

 `options` may be NULL; its deletion_id, where not NULL, points to `count` ids to be written.

 Returns 0, and exactly one of the callbacks follows: `on_results` when every outcome is known,
 `on_error` with ADIEU_ERR_INVALID_PARAMETER for a count outside its limits, when nothing is
 deleted; or a negative code, and none does: as adieu_delete_conversation_with_options, and
 ADIEU_ERR_INVALID_ARGUMENT when `conversation_ids` is NULL.
 */
ADIEU_API
int32_t adieu_delete_conversations(struct adieu_client *client,
                                   const char *const *conversation_ids,
                                   size_t count,
                                   const struct adieu_delete_options *options,
                                   adieu_results_callback on_results,
                                   adieu_error_callback on_error,
                                   void *user_data);

/*
 Pins a conversation to the top of the list (`pinned` 1), or lets go of it (0). Kept on this
 device; goes with the conversation.

 Returns 0, and exactly one of the callbacks follows; or a negative code, and none does:
 ADIEU_ERR_INVALID_HANDLE, ADIEU_ERR_INVALID_ARGUMENT (a callback is NULL, or another value),
 ADIEU_ERR_CLOSED, ADIEU_ERR_FORKED. To `on_error`: ADIEU_ERR_INVALID_PARAMETER (the id), or
 what the disk reported.
 */
ADIEU_API
int32_t adieu_pin_conversation(struct adieu_client *client,
                               const char *conversation_id,
                               int32_t pinned,
                               adieu_success_callback on_success,
                               adieu_error_callback on_error,
                               void *user_data);

/*
 Keeps what the user began to write: UTF-8, up to 64 KiB; NULL or "" removes it. Kept on this
 device; goes with the conversation. A conversation without a message is listed while it has a
 draft.

 Returns and errors as adieu_pin_conversation.
 */
ADIEU_API
int32_t adieu_set_draft(struct adieu_client *client,
                        const char *conversation_id,
                        const char *draft,
                        adieu_success_callback on_success,
                        adieu_error_callback on_error,
                        void *user_data);

/*
 Sets and then clears bits whose meaning is yours (star, fold, marked unread ...). Kept on this
 device; they go with the conversation.

 Returns and errors as adieu_pin_conversation; ADIEU_ERR_NOT_FOUND for a conversation that the
 list does not show.
 */
ADIEU_API
int32_t adieu_mark_conversation(struct adieu_client *client,
                                const char *conversation_id,
                                uint64_t set,
                                uint64_t clear,
                                adieu_success_callback on_success,
                                adieu_error_callback on_error,
                                void *user_data);

/*
 Says that messages up to a position are read; 0: all that are there. What is read stays read.

 Returns and errors as adieu_mark_conversation.
 */
ADIEU_API
int32_t adieu_mark_read(struct adieu_client *client,
                        const char *conversation_id,
                        uint64_t through,
                        adieu_success_callback on_success,
                        adieu_error_callback on_error,
                        void *user_data);

/*
 Opens a client: its store, its line to the server, its threads. Deletions that an earlier run
 of the process accepted and did not finish are taken up at once.

 This call reads the store from the disk and may take as long as that takes; it does not wait
 for the network.

 On success `*client` is the handle, to be closed with adieu_client_close, and 0 is returned.
 On failure `*client` is NULL, the code is returned (negative, or one of the vendor's positive
 numbers), and the text of the error is written to `error_text` as far as it fits, always
 terminated. `error_text` may be NULL. Nothing that was in the folder is overwritten by a
 failed open.

 Errors: ADIEU_ERR_INVALID_ARGUMENT, ADIEU_ERR_ABI, ADIEU_ERR_INVALID_PARAMETER,
 ADIEU_ERR_STORE_PATH, ADIEU_ERR_STORE_LOCKED, ADIEU_ERR_STORE_NEWER, ADIEU_ERR_STORE_DAMAGED,
 ADIEU_ERR_MASTER_KEY, ADIEU_ERR_STORE_IO, ADIEU_ERR_STORE_FAILED, ADIEU_ERR_FORKED.
 */
ADIEU_API
int32_t adieu_client_open(const struct adieu_client_options *options,
                          struct adieu_client **client,
                          char *error_text,
                          size_t error_text_size);

/*
 Closes a client. Calls that are still open get their error callback with ADIEU_PENDING (a
 deletion, which is written down and goes on at the next open) or ADIEU_ERR_CLOSED.

 From outside a callback it returns 0 when the last callback has returned and the last thread
 of the client is gone. Where the host delivers, it delivers what is left on this thread. The
 network is interrupted; what can hold it up is a callback that does not return, or the
 system's name resolver.

 From a callback of this client (or its post hook) it returns ADIEU_PENDING at once and takes
 effect when that callback returns. From a callback of another client it waits like any other
 thread: two clients that close each other from their callbacks wait for ever. A second close
 waits for the first. Afterwards the handle is stale.

 Errors: ADIEU_ERR_INVALID_HANDLE, ADIEU_ERR_FORKED.
 */
ADIEU_API
int32_t adieu_client_close(struct adieu_client *client);

/*
 As adieu_client_close, without waiting: returns at once, and `on_closed(user_data)` is the last
 callback of the client, delivered like all others. Where the host delivers, go on polling
 until it comes. `on_closed` may be NULL.

 Errors: ADIEU_ERR_INVALID_HANDLE, ADIEU_ERR_CLOSED (a close is under way already: on_closed
 will not be called), ADIEU_ERR_FORKED.
 */
ADIEU_API
int32_t adieu_client_close_async(struct adieu_client *client,
                                 adieu_success_callback on_closed,
                                 void *user_data);

/*
 With ADIEU_DELIVER_BY_POLL: runs the callbacks that wait, on this thread. Returns how many, 0
 when there were none or when another thread is polling, or a negative code. Called from a
 callback it does nothing and returns 0.

 Errors: ADIEU_ERR_INVALID_HANDLE; ADIEU_ERR_INVALID_ARGUMENT for a client that delivers on a
 library thread; ADIEU_ERR_FORKED.
 */
ADIEU_API
int32_t adieu_client_poll(struct adieu_client *client);

/*
 Gives the client a UserSig, or a newer one, and asks the server again for every deletion whose
 outcome is not known. The server checks it at the next request. NULL or "" signs out: calls
 that need the server then fail with ADIEU_ERR_NOT_SIGNED_IN.

 Errors: ADIEU_ERR_INVALID_HANDLE; ADIEU_ERR_INVALID_PARAMETER for what is not UTF-8, or a
 client without a server; ADIEU_ERR_FORKED.
 */
ADIEU_API
int32_t adieu_sign_in(struct adieu_client *client,
                      const char *user_sig);

/*
 Pulls from the server every conversation and message that this device lacks, and erases what
 the server says this device must not have any more. Answers when all of it is stored.

 Returns 0, and exactly one of the callbacks follows; or a negative code, and none does:
 ADIEU_ERR_INVALID_HANDLE, ADIEU_ERR_INVALID_ARGUMENT (a callback is NULL), ADIEU_ERR_CLOSED,
 ADIEU_ERR_FORKED.
 */
ADIEU_API
int32_t adieu_pull(struct adieu_client *client,
                   adieu_success_callback on_success,
                   adieu_error_callback on_error,
                   void *user_data);

/*
 Lists the conversations on this device: what is pinned, then the rest, each the newest first.

 Returns 0, and exactly one of the callbacks follows; or a negative code, and none does:
 ADIEU_ERR_INVALID_HANDLE, ADIEU_ERR_INVALID_ARGUMENT (a callback is NULL), ADIEU_ERR_CLOSED,
 ADIEU_ERR_FORKED.
 */
ADIEU_API
int32_t adieu_list_conversations(struct adieu_client *client,
                                 adieu_conversations_callback on_conversations,
                                 adieu_error_callback on_error,
                                 void *user_data);

/*
 Unread messages in all conversations on this device, from memory: returns at once.

 Errors: ADIEU_ERR_INVALID_HANDLE, ADIEU_ERR_INVALID_ARGUMENT (`total` is NULL),
 ADIEU_ERR_FORKED.
 */
ADIEU_API
int32_t adieu_total_unread(const struct adieu_client *client,
                           uint64_t *total);

/*
 Deletes a conversation for good: from the server, then from this device. The other side keeps
 its own copy. There is no way back.

 `conversation_id` is c2c_<user> or group_<group>, or the web spelling C2C<user>, GROUP<group>,
 @TIM#SYSTEM. Deleting an unknown or already deleted conversation succeeds, also when the
 friend was deleted, the group left or dissolved. Messages that come after this call are not
 touched by it.

 Returns at once, without waiting for disk, network or another call: 0, and exactly one of
 `on_success` and `on_error` follows, exactly once, never from within this call (it may come on
 another thread before this call has returned); or a negative code, and none does:
 ADIEU_ERR_INVALID_HANDLE, ADIEU_ERR_INVALID_ARGUMENT (a callback is NULL), ADIEU_ERR_CLOSED,
 ADIEU_ERR_FORKED.

 `on_success`: the server gives this user no message of the conversation up to this call any
 more, neither does this device, and nothing in the store's files can bring them back.

 `on_error`: the device still has all of it, and nothing will happen later (other policies:
 adieu_delete_conversation_with_options). Two codes are
 different: after ADIEU_ERR_OUTCOME_UNKNOWN (the request may have arrived, no answer came) and
 ADIEU_PENDING (the client was closed) the deletion is written down and is settled later. An id
 that breaks the rules gets ADIEU_ERR_INVALID_PARAMETER here, with a text that says what is
 allowed. adieu_is_retryable tells whether trying again can help.
 */
ADIEU_API
int32_t adieu_delete_conversation(struct adieu_client *client,
                                  const char *conversation_id,
                                  adieu_success_callback on_success,
                                  adieu_error_callback on_error,
                                  void *user_data);

/*
 As adieu_delete_conversation, with options; NULL options are the defaults.

 Refused in addition with ADIEU_ERR_ABI (struct_size). The destructor in the options runs on
 every path, a refused call included, unless the options themselves cannot be read or this is a forked
 child.
 */
ADIEU_API
int32_t adieu_delete_conversation_with_options(struct adieu_client *client,
                                               const char *conversation_id,
                                               const struct adieu_delete_options *options,
                                               adieu_success_callback on_success,
                                               adieu_error_callback on_error,
                                               void *user_data);

/*
 Deletes the history of a conversation for good, which stays in the list with its title, pin,
 draft and marks. In everything else as adieu_delete_conversation_with_options; `keep_history`
 in the options must be 0 (ADIEU_ERR_INVALID_PARAMETER).
 */
ADIEU_API
int32_t adieu_clear_history(struct adieu_client *client,
                            const char *conversation_id,
                            const struct adieu_delete_options *options,
                            adieu_success_callback on_success,
                            adieu_error_callback on_error,
                            void *user_data);

/*
 Tells what a deletion that succeeded did; the newest 1,024 are kept in memory, from before
 their callback on. Returns at once.

 Errors: ADIEU_ERR_INVALID_HANDLE, ADIEU_ERR_INVALID_ARGUMENT, ADIEU_ERR_ABI,
 ADIEU_ERR_NOT_FOUND, ADIEU_ERR_FORKED.
 */
ADIEU_API
int32_t adieu_get_receipt(const struct adieu_client *client,
                          const struct adieu_deletion_id *deletion_id,
                          struct adieu_receipt *receipt);

/*
 Reads history of one conversation from this device: at most `count` messages (1 to 1,000) with
 positions below `before`, the newest first. `before` 0 begins at the newest. A conversation
 that the device does not know has none.

 Returns 0, and exactly one of the callbacks follows; or a negative code, and none does:
 ADIEU_ERR_INVALID_HANDLE, ADIEU_ERR_INVALID_ARGUMENT (a callback is NULL), ADIEU_ERR_CLOSED,
 ADIEU_ERR_FORKED. An id or a count that breaks its rule goes to `on_error` with
 ADIEU_ERR_INVALID_PARAMETER.
 */
ADIEU_API
int32_t adieu_get_history(struct adieu_client *client,
                          const char *conversation_id,
                          uint64_t before,
                          size_t count,
                          adieu_messages_callback on_messages,
                          adieu_error_callback on_error,
                          void *user_data);

/*
 Saves messages of one conversation that the host's own transport brought: 1 to 10,000, all or
 none. A message that is there already is left as it is; one at or below what was deleted is
 dropped. From the return of this call on, a deletion covers them.

 One conversation takes its positions either from the server or from the host; saving into one
 that was pulled from the server fails with ADIEU_ERR_INVALID_PARAMETER.

 Returns 0, and exactly one of the callbacks follows; or a negative code, and none does:
 ADIEU_ERR_INVALID_HANDLE, ADIEU_ERR_INVALID_ARGUMENT (a callback or `messages` is NULL),
 ADIEU_ERR_ABI (struct_size), ADIEU_ERR_CLOSED, ADIEU_ERR_FORKED. What breaks a rule goes to
 `on_error` with ADIEU_ERR_INVALID_PARAMETER, and nothing is saved.
 */
ADIEU_API
int32_t adieu_save_messages(struct adieu_client *client,
                            const char *conversation_id,
                            const struct adieu_new_message *messages,
                            size_t count,
                            adieu_success_callback on_success,
                            adieu_error_callback on_error,
                            void *user_data);

/*
 Lists the deletions whose outcome is open.

 Returns 0, and exactly one of the callbacks follows; or a negative code, and none does:
 ADIEU_ERR_INVALID_HANDLE, ADIEU_ERR_INVALID_ARGUMENT (a callback is NULL), ADIEU_ERR_CLOSED,
 ADIEU_ERR_FORKED.
 */
ADIEU_API
int32_t adieu_list_pending(struct adieu_client *client,
                           adieu_pending_callback on_pending,
                           adieu_error_callback on_error,
                           void *user_data);

/*
 Brings back what a deletion within its undo window has hidden. The server is never asked, and
 the call that asked for the deletion ends with ADIEU_ERR_CANCELLED.

 Returns 0, and exactly one of the callbacks follows; or a negative code, and none does:
 ADIEU_ERR_INVALID_HANDLE, ADIEU_ERR_INVALID_ARGUMENT (a pointer is NULL), ADIEU_ERR_CLOSED,
 ADIEU_ERR_FORKED. To `on_error`: ADIEU_ERR_NOT_FOUND, ADIEU_ERR_TOO_LATE when the window is
 over, or what the disk reported, and then the deletion goes on.
 */
ADIEU_API
int32_t adieu_undo_delete(struct adieu_client *client,
                          const struct adieu_deletion_id *deletion_id,
                          adieu_success_callback on_success,
                          adieu_error_callback on_error,
                          void *user_data);

/*
 Takes a deletion back that has not begun: one within its undo window, or one that waits for
 another of the same conversation. Nothing was erased, and the call that asked for it ends with
 ADIEU_ERR_CANCELLED.

 Returns and errors as adieu_undo_delete; ADIEU_ERR_TOO_LATE when the server was asked, or when
 the policy has erased the device's copy.
 */
ADIEU_API
int32_t adieu_cancel_deletion(struct adieu_client *client,
                              const struct adieu_deletion_id *deletion_id,
                              adieu_success_callback on_success,
                              adieu_error_callback on_error,
                              void *user_data);

/*
 Asks the server again now for a deletion that waits or was refused. `on_success` means that it
 is being asked; the outcome comes as ADIEU_EVENT_PENDING_CHANGED, and to the call that asked
 for the deletion if that still waits.

 Returns and errors as adieu_undo_delete; ADIEU_ERR_INVALID_PARAMETER for one that can still be
 undone, or without a server.
 */
ADIEU_API
int32_t adieu_retry_deletion(struct adieu_client *client,
                             const struct adieu_deletion_id *deletion_id,
                             adieu_success_callback on_success,
                             adieu_error_callback on_error,
                             void *user_data);

/*
 Takes note of a deletion that the server refused (ADIEU_PENDING_REFUSED): it is not pending any
 more. What the device has erased stays erased here; what it has not, it keeps.

 Returns and errors as adieu_undo_delete; ADIEU_ERR_INVALID_PARAMETER for one that was not
 refused.
 */
ADIEU_API
int32_t adieu_acknowledge_deletion(struct adieu_client *client,
                                   const struct adieu_deletion_id *deletion_id,
                                   adieu_success_callback on_success,
                                   adieu_error_callback on_error,
                                   void *user_data);

/*
 Tells the client that there is a network (`online` 1), which it uses at once for every deletion
 that waits, or that there is none (0), so that it tries less often. Without it, waiting
 deletions are tried with growing pauses of up to a quarter of an hour. Returns at once.

 Errors: ADIEU_ERR_INVALID_HANDLE, ADIEU_ERR_INVALID_ARGUMENT (another value),
 ADIEU_ERR_CLOSED, ADIEU_ERR_FORKED.
 */
ADIEU_API
int32_t adieu_network_changed(struct adieu_client *client,
                              int32_t online);

/*
 Says in English what a code means. Codes that the server sends pass through the library;
 those that it does not know itself get a general text. Never NULL; valid for ever. Any thread,
 forked children included.
 */
ADIEU_API
const char *adieu_strerror(int32_t code);

/*
 Says whether trying the same call again can help: 1 when it can (the network, a busy server, a
 full disk, a UserSig that can be replaced), 0 when it cannot (a wrong parameter, a damaged
 store). Any thread.
 */
ADIEU_API
int32_t adieu_is_retryable(int32_t code);

/*
 Looks whether anything of a deleted conversation is left in the store: decodes every record
 that a living key opens, and searches every file of the store's folder, byte by byte, for
 `count` strings that the conversation held (texts, names, ids: the host kept them from before
 the deletion). Reads the whole store; other calls of this client wait meanwhile.

 Returns 0, and exactly one of the callbacks follows; or a negative code, and none does:
 ADIEU_ERR_INVALID_HANDLE, ADIEU_ERR_INVALID_ARGUMENT (a callback is NULL, or a string),
 ADIEU_ERR_CLOSED, ADIEU_ERR_FORKED.
 */
ADIEU_API
int32_t adieu_verify_erased(struct adieu_client *client,
                            const char *conversation_id,
                            const char *const *strings,
                            size_t count,
                            adieu_verification_callback on_verification,
                            adieu_error_callback on_error,
                            void *user_data);

/*
 The ABI of the library at run time: major << 16 | minor. A program works with it when the
 major number is ADIEU_ABI_MAJOR and the minor number is at least ADIEU_ABI_MINOR of the header
 that it was compiled with. Any thread.
 */
ADIEU_API
uint32_t adieu_abi_version(void);

/*
 The version of the library at run time, such as "0.1.0". Never NULL; valid for ever. Any
 thread.
 */
ADIEU_API
const char *adieu_version(void);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* ADIEU_H */

/* Initial values of the option structs: struct_size set, everything else cleared. */
#if defined(__cplusplus) && !defined(ADIEU_INIT_)
#define ADIEU_INIT_
#define ADIEU_CLIENT_OPTIONS_INIT adieu_client_options_init_()
#define ADIEU_DELETE_OPTIONS_INIT adieu_delete_options_init_()
#define ADIEU_NEW_MESSAGE_INIT adieu_new_message_init_()
#define ADIEU_RECEIPT_INIT adieu_receipt_init_()
#define ADIEU_LISTENER_INIT adieu_listener_init_()
inline adieu_client_options adieu_client_options_init_() { adieu_client_options init = adieu_client_options(); init.struct_size = (uint32_t)sizeof init; return init; }
inline adieu_delete_options adieu_delete_options_init_() { adieu_delete_options init = adieu_delete_options(); init.struct_size = (uint32_t)sizeof init; return init; }
inline adieu_new_message adieu_new_message_init_() { adieu_new_message init = adieu_new_message(); init.struct_size = (uint32_t)sizeof init; return init; }
inline adieu_receipt adieu_receipt_init_() { adieu_receipt init = adieu_receipt(); init.struct_size = (uint32_t)sizeof init; return init; }
inline adieu_listener adieu_listener_init_() { adieu_listener init = adieu_listener(); init.struct_size = (uint32_t)sizeof init; return init; }
#elif !defined(__cplusplus) && !defined(ADIEU_INIT_)
#define ADIEU_INIT_
#define ADIEU_CLIENT_OPTIONS_INIT { (uint32_t)sizeof(adieu_client_options), 0, NULL, NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL, 0, 0, NULL }
#define ADIEU_DELETE_OPTIONS_INIT { (uint32_t)sizeof(adieu_delete_options), 0, NULL, NULL, 0, 0, 0, 0 }
#define ADIEU_NEW_MESSAGE_INIT { (uint32_t)sizeof(adieu_new_message), 0, 0, 0, NULL, NULL }
#define ADIEU_RECEIPT_INIT { (uint32_t)sizeof(adieu_receipt), 0, 0, 0, 0 }
#define ADIEU_LISTENER_INIT { (uint32_t)sizeof(adieu_listener), 0, NULL, NULL, NULL }
#endif
