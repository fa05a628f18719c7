// The classes of this folder, over a Session. Included by V2TIMManager.h.
//
// SPDX-License-Identifier: Apache-2.0 OR MIT

#ifndef ADIEU_V2TIM_MANAGERS_HPP
#define ADIEU_V2TIM_MANAGERS_HPP

#include "session.hpp"

#include <algorithm>
#include <cstdlib>
#include <limits>

namespace adieu::tim {

inline std::string string(const V2TIMString &text) { return {text.CString(), text.Size()}; }

inline std::vector<std::string> strings(const V2TIMStringVector &texts) {
  std::vector<std::string> made;
  for (const V2TIMString &text : texts)
    made.push_back(string(text));
  return made;
}

/// Of an id as the library writes it.
inline bool is_c2c(const std::string &id) { return id.compare(0, 4, "c2c_") == 0; }
inline bool is_group(const std::string &id) { return id.compare(0, 6, "group_") == 0; }

/// Greater for what stands higher in the list.
inline uint64_t order_key(const Conversation &it) {
  const uint64_t time = it.last_message ? it.last_message->time : 0;
  const uint64_t position = it.last_message ? it.last_message->position & 0xfffff : 0;
  return uint64_t{it.pinned} << 62 | (time & 0x3ffffffffff) << 20 | position;
}

inline V2TIMConversation conversation(const Conversation &it) {
  const std::string &id = it.conversation_id;
  V2TIMConversation made;
  made.conversationID = id;
  made.showName = it.title;
  if (is_c2c(id)) {
    made.type = V2TIM_C2C;
    made.userID = id.substr(4);
    made.showName = made.userID;
  } else if (is_group(id)) {
    made.type = V2TIM_GROUP;
    made.groupID = id.substr(6);
  }
  constexpr uint64_t most = std::numeric_limits<int32_t>::max();
  made.unreadCount = static_cast<int32_t>(std::min(it.unread_count, most));
  made.draftText = it.draft;
  made.isPinned = it.pinned;
  made.orderKey = order_key(it);
  for (uint64_t mark = 1; mark != 0; mark <<= 1)
    if ((it.marks & mark) != 0)
      made.markList.PushBack(mark);
  if (it.last_message) {
    made.message = std::make_shared<V2TIMMessage>();
    made.message->sender = it.last_message->sender;
    made.message->userID = made.userID;
    made.message->groupID = made.groupID;
    made.message->timestamp = static_cast<int64_t>(it.last_message->time);
    made.message->seq = it.last_message->position;
    made.message->text = it.last_message->text;
    made.lastMessage = made.message.get();
  }
  return made;
}

inline bool passes(const V2TIMConversationListFilter &filter, const V2TIMConversation &it,
                   uint64_t marks) {
  return (filter.type == V2TIM_UNKNOWN || filter.type == it.type) &&
         (filter.markType == 0 || (filter.markType & marks) != 0) &&
         (!filter.hasUnreadCount || it.unreadCount > 0);
}

/// A page of what passes the filter; `next` counts from 0.
inline V2TIMConversationResult page(const std::vector<Conversation> &list,
                                    const V2TIMConversationListFilter &filter, uint64_t next,
                                    uint32_t count) {
  V2TIMConversationResult result;
  uint64_t seen = 0;
  result.isFinished = true;
  for (const Conversation &one : list) {
    const V2TIMConversation made = conversation(one);
    if (!passes(filter, made, one.marks) || seen++ < next)
      continue;
    if (result.conversationList.Size() == count) {
      result.isFinished = false;
      break;
    }
    result.conversationList.PushBack(made);
  }
  result.nextSeq = result.isFinished ? 0 : next + result.conversationList.Size();
  return result;
}

/// Tells a callback that is not touched afterwards; NULL is told nothing.
template <class Callback> auto failure(Callback *callback) {
  return [callback](const Error &error) {
    if (callback != nullptr)
      callback->OnError(vendor_code(error.code()), error.what());
  };
}
inline auto success(V2TIMCallback *callback) {
  return [callback] {
    if (callback != nullptr)
      callback->OnSuccess();
  };
}
template <class T> void succeed(V2TIMValueCallback<T> *callback, const T &value) {
  if (callback != nullptr)
    callback->OnSuccess(value);
}

/// Whoever listens. Listeners are called without the lock.
template <class Listener> class Listeners {
public:
  void add(Listener *listener) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (listener != nullptr && !has(listener))
      all_.push_back(listener);
  }
  void remove(Listener *listener) {
    const std::lock_guard<std::mutex> lock(mutex_);
    all_.erase(std::remove(all_.begin(), all_.end(), listener), all_.end());
  }
  template <class Tell> void tell(Tell &&tell) {
    std::unique_lock<std::mutex> lock(mutex_);
    const std::vector<Listener *> all = all_;
    for (Listener *listener : all) {
      if (!has(listener)) // another one may have removed it
        continue;
      lock.unlock();
      detail::contain([&] { tell(*listener); });
      lock.lock();
    }
  }

private:
  bool has(Listener *listener) const {
    return std::find(all_.begin(), all_.end(), listener) != all_.end();
  }

  std::mutex mutex_;
  std::vector<Listener *> all_;
};

class Manager final : public V2TIMManager,
                      public V2TIMConversationManager,
                      public V2TIMMessageManager {
public:
  void AddSDKListener(V2TIMSDKListener *listener) override { sdk_.add(listener); }
  void RemoveSDKListener(V2TIMSDKListener *listener) override { sdk_.remove(listener); }
  void AddConversationListener(V2TIMConversationListener *listener) override {
    conversations_.add(listener);
  }
  void RemoveConversationListener(V2TIMConversationListener *listener) override {
    conversations_.remove(listener);
  }

  bool InitSDK(uint32_t sdkAppID, const V2TIMSDKConfig &config) override {
    return init(sdkAppID, config);
  }
  bool init(uint64_t sdk_app_id, const V2TIMSDKConfig &config) {
    Options options;
    options.sdk_app_id = sdk_app_id;
    options.server_url = string(config.serverURL);
    if (const char *given = std::getenv("ADIEU_SERVER_URL");
        options.server_url.empty() && given != nullptr)
      options.server_url = given;
    options.ca_certificates = string(config.caCertificates);
    options.listener = [this](const Event &event) { hear(event); };
    return !options.server_url.empty() &&
           session_->init(std::move(options), string(config.initPath));
  }
  bool is_initialised() const { return session_->initialised(); }
  void UnInitSDK() override { session_->uninit(); }
  V2TIMString GetVersion() override { return adieu_version(); }
  void Login(const V2TIMString &userID, const V2TIMString &userSig,
             V2TIMCallback *callback) override {
    session_->login(string(userID), string(userSig), success(callback), failure(callback));
  }
  void Logout(V2TIMCallback *callback) override {
    session_->logout(success(callback), failure(callback));
  }
  V2TIMString GetLoginUser() override { return session_->user(); }
  V2TIMConversationManager *GetConversationManager() override { return this; }
  V2TIMMessageManager *GetMessageManager() override { return this; }

  void DeleteConversation(const V2TIMString &conversationID, V2TIMCallback *callback) override {
    with(callback, [&](Client &client) {
      return client.delete_conversation(string(conversationID), success(callback),
                                        failure(callback));
    });
  }

  void DeleteConversationList(
      const V2TIMStringVector &ids, bool clearMessage,
      V2TIMValueCallback<V2TIMConversationOperationResultVector> *callback) override {
    DeleteOptions options;
    options.keep_history = !clearMessage;
    with(callback, [&](Client &client) {
      return client.delete_conversations(
          strings(ids), options,
          [callback](const std::vector<DeletionResult> &results) {
            V2TIMConversationOperationResultVector made;
            for (const DeletionResult &one : results) {
              V2TIMConversationOperationResult result;
              result.conversationID = one.conversation_id;
              result.resultCode = vendor_code(one.code);
              result.resultInfo = one.desc;
              made.PushBack(result);
            }
            succeed(callback, made);
          },
          failure(callback));
    });
  }

  void ClearC2CHistoryMessage(const V2TIMString &userID, V2TIMCallback *callback) override {
    clear("c2c_" + string(userID), callback);
  }
  void ClearGroupHistoryMessage(const V2TIMString &groupID, V2TIMCallback *callback) override {
    clear("group_" + string(groupID), callback);
  }

  void GetConversationList(uint64_t nextSeq, uint32_t count,
                           V2TIMValueCallback<V2TIMConversationResult> *callback) override {
    GetConversationListByFilter({}, nextSeq, count, callback);
  }

  void GetConversationListByFilter(const V2TIMConversationListFilter &filter, uint64_t nextSeq,
                                   uint32_t count,
                                   V2TIMValueCallback<V2TIMConversationResult> *callback) override {
    if (!filter.conversationGroup.Empty())
      return failure(callback)(Error(7013, "folders of conversations are not supported"));
    if (count == 0)
      return failure(callback)(Error(6017, "count is 0; allowed: 1 and more"));
    list(callback, [callback, filter, nextSeq, count](const std::vector<Conversation> &list) {
      succeed(callback, page(list, filter, nextSeq, count));
    });
  }

  void GetConversation(const V2TIMString &conversationID,
                       V2TIMValueCallback<V2TIMConversation> *callback) override {
    list(callback, [callback, id = string(conversationID)](const std::vector<Conversation> &list) {
      for (const Conversation &one : list)
        if (one.conversation_id == id)
          return succeed(callback, conversation(one));
      failure(callback)(Error(6017, "the list shows no such conversation"));
    });
  }

  void GetConversationList(const V2TIMStringVector &ids,
                           V2TIMValueCallback<V2TIMConversationVector> *callback) override {
    list(callback, [callback, ids = strings(ids)](const std::vector<Conversation> &list) {
      V2TIMConversationVector made;
      for (const std::string &id : ids)
        for (const Conversation &one : list)
          if (one.conversation_id == id)
            made.PushBack(conversation(one));
      succeed(callback, made);
    });
  }

  void SetConversationDraft(const V2TIMString &conversationID, const V2TIMString &draft,
                            V2TIMCallback *callback) override {
    with(callback, [&](Client &client) {
      return client.set_draft(string(conversationID), string(draft), success(callback),
                              failure(callback));
    });
  }

  void PinConversation(const V2TIMString &conversationID, bool isPinned,
                       V2TIMCallback *callback) override {
    with(callback, [&](Client &client) {
      return client.pin_conversation(string(conversationID), isPinned, success(callback),
                                     failure(callback));
    });
  }

  void GetTotalUnreadMessageCount(V2TIMValueCallback<uint64_t> *callback) override {
    // Through the list, so that the answer comes as all others do and not on the caller's stack.
    list(callback, [callback](const std::vector<Conversation> &list) {
      uint64_t total = 0;
      for (const Conversation &one : list)
        total += one.unread_count;
      succeed(callback, total);
    });
  }

  void CleanConversationUnreadMessageCount(const V2TIMString &conversationID,
                                           uint64_t cleanTimestamp, uint64_t cleanSequence,
                                           V2TIMCallback *callback) override {
    const std::string id = string(conversationID);
    if (cleanTimestamp != 0 || id.empty() || id == "c2c" || id == "group")
      return failure(callback)(Error(7013, "only one conversation, by its sequence, can be read"));
    with(callback, [&](Client &client) {
      return client.mark_read(id, cleanSequence, success(callback), failure(callback));
    });
  }

  void DeleteConversationGroup(const V2TIMString &, V2TIMCallback *callback) override {
    failure(callback)(Error(7013, "folders of conversations are not supported; to delete a "
                                  "conversation, call DeleteConversation"));
  }

private:
  template <class Callback, class Call> void with(Callback *callback, Call &&call) {
    session_->with_client(failure(callback), std::forward<Call>(call));
  }

  template <class Callback, class OnList> void list(Callback *callback, OnList &&on_list) {
    with(callback, [&](Client &client) {
      return client.list_conversations(std::forward<OnList>(on_list), failure(callback));
    });
  }

  void clear(const std::string &id, V2TIMCallback *callback) {
    with(callback, [&](Client &client) {
      return client.clear_history(id, {}, success(callback), failure(callback));
    });
  }

  void hear(const Event &event) {
    switch (event.kind) {
    case ADIEU_EVENT_CONVERSATION_NEW:
    case ADIEU_EVENT_CONVERSATION_CHANGED: {
      V2TIMConversationVector list;
      if (event.conversation)
        list.PushBack(conversation(*event.conversation));
      const bool is_new = event.kind == ADIEU_EVENT_CONVERSATION_NEW;
      return conversations_.tell([&](V2TIMConversationListener &listener) {
        is_new ? listener.OnNewConversation(list) : listener.OnConversationChanged(list);
      });
    }
    case ADIEU_EVENT_CONVERSATION_DELETED: {
      V2TIMStringVector ids;
      ids.PushBack(event.conversation_id);
      return conversations_.tell(
          [&](V2TIMConversationListener &listener) { listener.OnConversationDeleted(ids); });
    }
    case ADIEU_EVENT_TOTAL_UNREAD_CHANGED:
      return conversations_.tell([&](V2TIMConversationListener &listener) {
        listener.OnTotalUnreadMessageCountChanged(event.total_unread);
      });
    case ADIEU_EVENT_SIGN_IN_NEEDED:
      return sdk_.tell([](V2TIMSDKListener &listener) { listener.OnUserSigExpired(); });
    case ADIEU_EVENT_SYNC_CHANGED:
      return hear_sync(event);
    default: // pending deletions: the vendor has no word for them
      return;
    }
  }

  void hear_sync(const Event &event) {
    const auto tell = [&](auto on_line, auto on_list) {
      sdk_.tell(on_line);
      conversations_.tell(on_list);
    };
    switch (event.sync_state) {
    case ADIEU_SYNC_STARTED:
      return tell([](V2TIMSDKListener &it) { it.OnConnecting(); },
                  [](V2TIMConversationListener &it) { it.OnSyncServerStart(); });
    case ADIEU_SYNC_FINISHED:
      return tell([](V2TIMSDKListener &it) { it.OnConnectSuccess(); },
                  [](V2TIMConversationListener &it) { it.OnSyncServerFinish(); });
    default: {
      const int32_t code = vendor_code(event.code);
      return tell([&](V2TIMSDKListener &it) { it.OnConnectFailed(code, event.desc); },
                  [](V2TIMConversationListener &it) { it.OnSyncServerFailed(); });
    }
    }
  }

  std::shared_ptr<Session> session_ = std::make_shared<Session>();
  Listeners<V2TIMSDKListener> sdk_;
  Listeners<V2TIMConversationListener> conversations_;
};

} // namespace adieu::tim

/// Never destroyed: a callback may come while the process ends.
inline V2TIMManager *V2TIMManager::GetInstance() {
  static auto *const manager = new adieu::tim::Manager;
  return manager;
}

#endif
