// SPDX-License-Identifier: Apache-2.0 OR MIT

#ifndef ADIEU_V2TIM_LISTENER_H
#define ADIEU_V2TIM_LISTENER_H

#include "V2TIMConversation.h"

/// The line to the server. Called on a thread of the library.
class TIM_API V2TIMSDKListener {
public:
  virtual ~V2TIMSDKListener() = default;
  virtual void OnConnecting() {}
  virtual void OnConnectSuccess() {}
  virtual void OnConnectFailed(int /*error_code*/, const V2TIMString & /*error_message*/) {}
  /// Never called here: devices do not push each other out.
  virtual void OnKickedOffline() {}
  /// The server does not take the UserSig any more: log in with a new one.
  virtual void OnUserSigExpired() {}
};

/// Called on a thread of the library, in one order with the callbacks of calls.
class TIM_API V2TIMConversationListener {
public:
  virtual ~V2TIMConversationListener() = default;
  virtual void OnSyncServerStart() {}
  virtual void OnSyncServerFinish() {}
  virtual void OnSyncServerFailed() {}
  virtual void OnNewConversation(const V2TIMConversationVector & /*list*/) {}
  virtual void OnConversationChanged(const V2TIMConversationVector & /*list*/) {}
  /// Afterwards no other event names them, unless a newer message comes.
  virtual void OnConversationDeleted(const V2TIMStringVector & /*ids*/) {}
  virtual void OnTotalUnreadMessageCountChanged(uint64_t /*total*/) {}
  /// Never called here, as there are neither folders nor subscriptions: for listeners that override
  /// them.
  virtual void OnUnreadMessageCountChangedByFilter(const V2TIMConversationListFilter & /*filter*/,
                                                   uint64_t /*total*/) {}
  virtual void OnConversationGroupCreated(const V2TIMString & /*name*/,
                                          const V2TIMConversationVector & /*list*/) {}
  virtual void OnConversationGroupDeleted(const V2TIMString & /*name*/) {}
  virtual void OnConversationGroupNameChanged(const V2TIMString & /*old_name*/,
                                              const V2TIMString & /*new_name*/) {}
  virtual void OnConversationsAddedToGroup(const V2TIMString & /*name*/,
                                           const V2TIMConversationVector & /*list*/) {}
  virtual void OnConversationsDeletedFromGroup(const V2TIMString & /*name*/,
                                               const V2TIMConversationVector & /*list*/) {}
};

#endif
