// SPDX-License-Identifier: Apache-2.0 OR MIT

#ifndef ADIEU_V2TIM_CONVERSATION_MANAGER_H
#define ADIEU_V2TIM_CONVERSATION_MANAGER_H

#include "V2TIMListener.h"

class TIM_API V2TIMConversationManager {
public:
  virtual ~V2TIMConversationManager() = default;

  /// Yours. Once removed in a callback or after Logout it is not called again; removed elsewhere,
  /// a call that is under way still ends.
  virtual void AddConversationListener(V2TIMConversationListener *listener) = 0;
  virtual void RemoveConversationListener(V2TIMConversationListener *listener) = 0;

  /// A page of the list on this device; begin with nextSeq 0.
  virtual void GetConversationList(uint64_t nextSeq, uint32_t count,
                                   V2TIMValueCallback<V2TIMConversationResult> *callback) = 0;
  /// 6017 for one that the list does not show.
  virtual void GetConversation(const V2TIMString &conversationID,
                               V2TIMValueCallback<V2TIMConversation> *callback) = 0;
  /// Those of them that the list shows, in the order of the ids.
  virtual void GetConversationList(const V2TIMStringVector &conversationIDList,
                                   V2TIMValueCallback<V2TIMConversationVector> *callback) = 0;
  virtual void
  GetConversationListByFilter(const V2TIMConversationListFilter &filter, uint64_t nextSeq,
                              uint32_t count,
                              V2TIMValueCallback<V2TIMConversationResult> *callback) = 0;

  /// Deletes a conversation for good: from the server, then from this device.
  virtual void DeleteConversation(const V2TIMString &conversationID, V2TIMCallback *callback) = 0;
  /// 1 to 100 of them. With clearMessage false they only leave the list.
  virtual void
  DeleteConversationList(const V2TIMStringVector &conversationIDList, bool clearMessage,
                         V2TIMValueCallback<V2TIMConversationOperationResultVector> *callback) = 0;

  virtual void SetConversationDraft(const V2TIMString &conversationID, const V2TIMString &draft,
                                    V2TIMCallback *callback) = 0;
  virtual void PinConversation(const V2TIMString &conversationID, bool isPinned,
                               V2TIMCallback *callback) = 0;
  virtual void GetTotalUnreadMessageCount(V2TIMValueCallback<uint64_t> *callback) = 0;
  /// cleanSequence 0: all that is there. Other timestamps than 0, and the ids "", "c2c" and
  /// "group" for many at once, are not supported (7013).
  virtual void CleanConversationUnreadMessageCount(const V2TIMString &conversationID,
                                                   uint64_t cleanTimestamp, uint64_t cleanSequence,
                                                   V2TIMCallback *callback) = 0;

  /// Folders of conversations. Not supported (7013): it deletes nothing. Not to be mistaken for
  /// DeleteConversation.
  virtual void DeleteConversationGroup(const V2TIMString &groupName, V2TIMCallback *callback) = 0;
};

#endif
