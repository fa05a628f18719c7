// The vendor's C API, over the vendor's C++ classes: names, JSON and return values, and no more.
#include "json.hpp"

#include <tim/TIMCloud.h>

namespace tim {
namespace {

/// Tells a C callback, and goes.
class Told final : public V2TIMCallback {
public:
  Told(TIMCommCallback callback, const void *user_data)
      : callback_(callback), user_data_(user_data) {}
  void OnSuccess() override { tell(0, "", ""); }
  void OnError(int code, const V2TIMString &message) override { tell(code, message.CString(), ""); }

private:
  void tell(int code, const char *desc, const char *json) {
    if (callback_ != nullptr)
      callback_(code, desc, json, user_data_);
    delete this;
  }
  TIMCommCallback callback_;
  const void *user_data_;
};

/// As Told, with what `as_json` makes of the value.
template <class T, class AsJson> class ToldValue final : public V2TIMValueCallback<T> {
public:
  ToldValue(TIMCommCallback callback, const void *user_data, AsJson as_json)
      : callback_(callback), user_data_(user_data), as_json_(std::move(as_json)) {}
  void OnSuccess(const T &value) override { tell(0, "", text(as_json_(value))); }
  void OnError(int code, const V2TIMString &message) override { tell(code, message.CString(), ""); }

private:
  void tell(int code, const char *desc, const std::string &json) {
    if (callback_ != nullptr)
      callback_(code, desc, json.c_str(), user_data_);
    delete this;
  }
  TIMCommCallback callback_;
  const void *user_data_;
  AsJson as_json_;
};

template <class T, class AsJson>
V2TIMValueCallback<T> *told(TIMCommCallback callback, const void *user_data, AsJson as_json) {
  return new ToldValue<T, AsJson>(callback, user_data, std::move(as_json));
}
template <class T> V2TIMValueCallback<T> *told(TIMCommCallback callback, const void *user_data) {
  return told<T>(callback, user_data, [](const T &value) { return json(value); });
}

/// Hands conversation events to the one C callback.
class Events final : public V2TIMConversationListener {
public:
  void set(TIMConvEventCallback callback, const void *user_data) {
    const std::lock_guard<std::mutex> lock(mutex_);
    callback_ = callback;
    user_data_ = user_data;
  }
  void OnSyncServerStart() override { tell(kTIMConvEvent_Start, ""); }
  void OnSyncServerFinish() override { tell(kTIMConvEvent_Finish, ""); }
  void OnNewConversation(const V2TIMConversationVector &list) override {
    tell(kTIMConvEvent_Add, text(json(list)));
  }
  void OnConversationChanged(const V2TIMConversationVector &list) override {
    tell(kTIMConvEvent_Update, text(json(list)));
  }
  void OnConversationDeleted(const V2TIMStringVector &ids) override {
    Json array = Json::array();
    for (const V2TIMString &id : ids)
      array.push_back(named(id));
    tell(kTIMConvEvent_Del, text(array));
  }

private:
  void tell(TIMConvEvent event, const std::string &json) {
    std::unique_lock<std::mutex> lock(mutex_);
    const auto callback = callback_;
    const auto user_data = user_data_;
    lock.unlock();
    if (callback != nullptr)
      callback(event, json.c_str(), user_data);
  }
  std::mutex mutex_;
  TIMConvEventCallback callback_ = nullptr;
  const void *user_data_ = nullptr;
};

Events &events() {
  static auto *const events = new Events; // an event may come while the process ends
  return *events;
}

adieu::tim::Manager &manager() {
  static auto *const manager = [] {
    auto *made = new adieu::tim::Manager;
    made->AddConversationListener(&events());
    return made;
  }();
  return *manager;
}

bool is_empty(const char *text) { return text == nullptr || *text == '\0'; }

/// No exception crosses the C interface: there is none but of a lack of memory.
template <class Run> int guard(Run &&run) noexcept {
  try {
    return run();
  } catch (...) {
    return TIM_ERR_PARAM;
  }
}

/// Runs what needs somebody to be logged in.
template <class Run> int logged_in(Run &&run) noexcept {
  return guard([&]() -> int {
    if (!manager().is_initialised())
      return TIM_ERR_SDKUNINIT;
    return manager().GetLoginUser().Empty() ? TIM_ERR_NOTLOGIN : run();
  });
}

/// Runs what is about a conversation.
template <class Run> int with_conversation(const char *id, TIMConvType type, Run &&run) noexcept {
  return logged_in([&]() -> int {
    if (is_empty(id))
      return TIM_ERR_PARAM;
    const auto conversation = conversation_id(id, type);
    if (!conversation)
      return TIM_ERR_CONV;
    run(V2TIMString(*conversation));
    return TIM_SUCC;
  });
}

} // namespace
} // namespace tim

using namespace tim;

int TIMInit(uint64_t sdk_app_id, const char *json_sdk_config) {
  return guard([&]() -> int {
    const auto config = parse(json_sdk_config);
    if (!config || !config->is_object())
      return TIM_ERR_JSON;
    V2TIMSDKConfig given;
    given.initPath = member<std::string>(*config, kTIMSdkConfigConfigFilePath, "");
    given.serverURL = member<std::string>(*config, kTIMSdkConfigServerUrl, "");
    given.caCertificates = member<std::string>(*config, kTIMSdkConfigCaCertificates, "");
    return manager().init(sdk_app_id, given) ? TIM_SUCC : TIM_ERR_PARAM;
  });
}

int TIMUninit(void) {
  return guard([]() -> int {
    if (!manager().is_initialised())
      return TIM_ERR_SDKUNINIT;
    manager().UnInitSDK();
    return TIM_SUCC;
  });
}

const char *TIMGetSDKVersion(void) { return adieu_version(); }

int TIMLogin(const char *user_id, const char *user_sig, TIMCommCallback cb, const void *user_data) {
  return guard([&]() -> int {
    if (!manager().is_initialised())
      return TIM_ERR_SDKUNINIT;
    if (is_empty(user_id) || is_empty(user_sig))
      return TIM_ERR_PARAM;
    manager().Login(user_id, user_sig, new Told(cb, user_data));
    return TIM_SUCC;
  });
}

int TIMLogout(TIMCommCallback cb, const void *user_data) {
  return logged_in([&]() -> int {
    manager().Logout(new Told(cb, user_data));
    return TIM_SUCC;
  });
}

void TIMSetConvEventCallback(TIMConvEventCallback cb, const void *user_data) {
  events().set(cb, user_data);
}

int TIMConvDelete(const char *conv_id, TIMConvType conv_type, TIMCommCallback cb,
                  const void *user_data) {
  return with_conversation(conv_id, conv_type, [&](const V2TIMString &id) {
    manager().DeleteConversation(id, new Told(cb, user_data));
  });
}

int TIMConvDeleteConversationList(const char *conversation_id_array, bool clearMessage,
                                  TIMCommCallback cb, const void *user_data) {
  return logged_in([&]() -> int {
    const auto array = parse(conversation_id_array);
    const auto ids = array ? strings(*array) : std::nullopt;
    if (!ids)
      return TIM_ERR_JSON;
    manager().DeleteConversationList(*ids, clearMessage,
                                     told<V2TIMConversationOperationResultVector>(cb, user_data));
    return TIM_SUCC;
  });
}

int TIMMsgClearHistoryMessage(const char *conv_id, TIMConvType conv_type, TIMCommCallback cb,
                              const void *user_data) {
  if (conv_type == kTIMConv_System)
    return TIM_ERR_CONV;
  return with_conversation(conv_id, conv_type, [&](const V2TIMString &) {
    if (conv_type == kTIMConv_C2C)
      manager().ClearC2CHistoryMessage(conv_id, new Told(cb, user_data));
    else
      manager().ClearGroupHistoryMessage(conv_id, new Told(cb, user_data));
  });
}

int TIMConvGetConvList(TIMCommCallback cb, const void *user_data) {
  return logged_in([&]() -> int {
    const auto all = [](const V2TIMConversationResult &page) {
      return json(page.conversationList);
    };
    manager().GetConversationList(0, UINT32_MAX, told<V2TIMConversationResult>(cb, user_data, all));
    return TIM_SUCC;
  });
}

int TIMConvGetConvInfo(const char *json_get_conv_list_param, TIMCommCallback cb,
                       const void *user_data) {
  return logged_in([&]() -> int {
    const auto array = parse(json_get_conv_list_param);
    if (!array || !array->is_array())
      return TIM_ERR_JSON;
    V2TIMStringVector ids;
    for (const Json &one : *array) {
      const auto id = conversation_id(
          member<std::string>(one, kTIMGetConversationListParamConvId, ""),
          member<uint32_t>(one, kTIMGetConversationListParamConvType, kTIMConv_Invalid));
      if (!id)
        return TIM_ERR_CONV;
      ids.PushBack(*id);
    }
    manager().GetConversationList(ids, told<V2TIMConversationVector>(cb, user_data));
    return TIM_SUCC;
  });
}

int TIMConvGetConversationListByFilter(const char *filter, uint64_t next_seq, uint32_t count,
                                       TIMCommCallback cb, const void *user_data) {
  return logged_in([&]() -> int {
    const auto given = parse(filter);
    if (!given || !given->is_object())
      return TIM_ERR_JSON;
    V2TIMConversationListFilter wanted;
    const auto type = member<uint32_t>(*given, kTIMConversationListFilterConvType, 0);
    if (type > V2TIM_GROUP || count == 0)
      return TIM_ERR_PARAM;
    wanted.type = static_cast<V2TIMConversationType>(type);
    wanted.conversationGroup =
        member<std::string>(*given, kTIMConversationListFilterConversationGroup, "");
    if (!wanted.conversationGroup.Empty())
      return TIM_ERR_PARAM; // folders are not supported
    wanted.markType = member<uint64_t>(*given, kTIMConversationListFilterMarkType, 0);
    wanted.hasUnreadCount = member(*given, kTIMConversationListFilterHasUnreadCount, false);
    manager().GetConversationListByFilter(wanted, next_seq, count,
                                          told<V2TIMConversationResult>(cb, user_data));
    return TIM_SUCC;
  });
}

int TIMConvPinConversation(const char *conv_id, TIMConvType conv_type, bool is_pinned,
                           TIMCommCallback cb, const void *user_data) {
  return with_conversation(conv_id, conv_type, [&](const V2TIMString &id) {
    manager().PinConversation(id, is_pinned, new Told(cb, user_data));
  });
}

int TIMConvSetDraft(const char *conv_id, TIMConvType conv_type, const char *json_draft_param) {
  const auto param = parse(json_draft_param);
  if (!param || !param->is_object())
    return TIM_ERR_JSON;
  return with_conversation(conv_id, conv_type, [&](const V2TIMString &id) {
    manager().SetConversationDraft(id, draft(*param), nullptr);
  });
}

int TIMConvCancelDraft(const char *conv_id, TIMConvType conv_type) {
  return with_conversation(conv_id, conv_type, [&](const V2TIMString &id) {
    manager().SetConversationDraft(id, "", nullptr);
  });
}

int TIMConvCleanConversationUnreadMessageCount(const char *conversation_id,
                                               uint64_t clean_timestamp, uint64_t clean_sequence,
                                               TIMCommCallback cb, const void *user_data) {
  return logged_in([&]() -> int {
    if (is_empty(conversation_id) || clean_timestamp != 0)
      return TIM_ERR_PARAM;
    manager().CleanConversationUnreadMessageCount(conversation_id, 0, clean_sequence,
                                                  new Told(cb, user_data));
    return TIM_SUCC;
  });
}
