// What goes over the vendor's C API, as JSON.
#ifndef TIM_JSON_HPP
#define TIM_JSON_HPP

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <tim/TIMCloudDef.h>
#include <v2tim/V2TIMManager.h>

namespace tim {

using Json = nlohmann::ordered_json;

/// Broken UTF-8 is replaced: none comes from the library.
inline std::string text(const Json &json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// Nothing for what is no JSON; NULL is none.
inline std::optional<Json> parse(const char *text) {
  Json json = text != nullptr ? Json::parse(text, nullptr, false) : Json();
  return text == nullptr || json.is_discarded() ? std::nullopt : std::optional<Json>(json);
}

/// A member; the other value where it is missing or of another type.
template <class T> T member(const Json &object, const char *key, T otherwise) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  if (found == object.end())
    return otherwise;
  if constexpr (std::is_same_v<T, bool>)
    return found->is_boolean() ? found->template get<T>() : otherwise;
  else if constexpr (std::is_integral_v<T>) // what is too large stays too large
    return found->is_number_unsigned()
               ? static_cast<T>(std::min<uint64_t>(found->template get<uint64_t>(),
                                                   std::numeric_limits<T>::max()))
               : otherwise;
  else
    return found->is_string() ? found->template get<T>() : otherwise;
}

/// Which conversation a bare id with its type is; nothing for a type that there is not.
inline std::optional<std::string> conversation_id(const std::string &id, uint32_t type) {
  switch (type) {
  case kTIMConv_C2C:
    return "c2c_" + id;
  case kTIMConv_Group:
    return "group_" + id;
  case kTIMConv_System:
    return "@TIM#SYSTEM";
  default:
    return std::nullopt;
  }
}

/// The id and the type of a conversation.
inline Json named(const V2TIMString &conversation_id) {
  const std::string id = conversation_id.CString();
  if (adieu::tim::is_c2c(id))
    return {{kTIMConvId, id.substr(4)}, {kTIMConvType, kTIMConv_C2C}};
  if (adieu::tim::is_group(id))
    return {{kTIMConvId, id.substr(6)}, {kTIMConvType, kTIMConv_Group}};
  return {{kTIMConvId, id}, {kTIMConvType, kTIMConv_System}};
}

inline Json elements(const V2TIMString &text) {
  return Json::array({{{kTIMElemType, 0}, {kTIMTextElemContent, text.CString()}}});
}

inline Json json(const V2TIMConversation &it) {
  Json made = named(it.conversationID);
  made[kTIMConvUnReadNum] = it.unreadCount;
  made[kTIMConvIsHasLastMsg] = it.lastMessage != nullptr;
  made[kTIMConvActiveTime] = 0;
  if (it.lastMessage != nullptr) {
    made[kTIMConvActiveTime] = it.lastMessage->timestamp;
    made[kTIMConvLastMsg] = {{kTIMMsgSender, it.lastMessage->sender.CString()},
                             {kTIMMsgServerTime, it.lastMessage->timestamp},
                             {kTIMMsgSeq, it.lastMessage->seq},
                             {kTIMMsgElemArray, elements(it.lastMessage->text)}};
  }
  made[kTIMConvIsHasDraft] = !it.draftText.Empty();
  if (!it.draftText.Empty())
    made[kTIMConvDraft] = {{kTIMDraftMsg, {{kTIMMsgElemArray, elements(it.draftText)}}}};
  made[kTIMConvIsPinned] = it.isPinned;
  made[kTIMConvShowName] = it.showName.CString();
  made[kTIMConvMarkArray] = std::vector<uint64_t>(it.markList.begin(), it.markList.end());
  return made;
}

inline Json json(const V2TIMConversationVector &list) {
  Json made = Json::array();
  for (const V2TIMConversation &one : list)
    made.push_back(json(one));
  return made;
}

inline Json json(const V2TIMConversationResult &page) {
  return {{kTIMConversationListResultNextSeq, page.nextSeq},
          {kTIMConversationListResultIsFinished, page.isFinished},
          {kTIMConversationListResultConvList, json(page.conversationList)}};
}

inline Json json(const V2TIMConversationOperationResultVector &results) {
  Json made = Json::array();
  for (const V2TIMConversationOperationResult &one : results)
    made.push_back({{kTIMConversationOperationResultConversationID, one.conversationID.CString()},
                    {kTIMConversationOperationResultResultCode, one.resultCode},
                    {kTIMConversationOperationResultResultInfo, one.resultInfo.CString()}});
  return made;
}

/// An array of strings; nothing for anything else.
inline std::optional<V2TIMStringVector> strings(const Json &array) {
  V2TIMStringVector made;
  if (!array.is_array())
    return std::nullopt;
  for (const Json &one : array) {
    if (!one.is_string())
      return std::nullopt;
    made.PushBack(one.get<std::string>());
  }
  return made;
}

/// What the user began to write.
inline std::string draft(const Json &param) {
  std::string text;
  const auto message = param.find(kTIMDraftMsg);
  if (message != param.end() && message->is_object())
    for (const Json &element : message->value(kTIMMsgElemArray, Json::array()))
      text += member<std::string>(element, kTIMTextElemContent, "");
  return text.empty() ? member<std::string>(param, kTIMDraftUserDefine, "") : text;
}

} // namespace tim

#endif
