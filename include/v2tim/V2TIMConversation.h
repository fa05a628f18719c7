// SPDX-License-Identifier: Apache-2.0 OR MIT

#ifndef ADIEU_V2TIM_CONVERSATION_H
#define ADIEU_V2TIM_CONVERSATION_H

#include "V2TIMCallback.h"

#include <memory>

enum V2TIMConversationType {
  V2TIM_UNKNOWN = 0,
  V2TIM_C2C = 1,
  V2TIM_GROUP = 2,
};

enum V2TIMReceiveMessageOpt {
  V2TIM_RECEIVE_MESSAGE = 0,
  V2TIM_NOT_RECEIVE_MESSAGE = 1,
  V2TIM_RECEIVE_NOT_NOTIFY_MESSAGE = 2,
};

/// Of a message, what a list of conversations shows.
struct TIM_API V2TIMMessage {
  V2TIMString sender, userID, groupID;
  /// Unix seconds.
  int64_t timestamp = 0;
  /// Its place in the conversation.
  uint64_t seq = 0;
  /// Its texts, joined. Not in the vendor's class.
  V2TIMString text;
};

struct TIM_API V2TIMConversation {
  V2TIMConversationType type = V2TIM_UNKNOWN;
  V2TIMString conversationID, userID, groupID;
  /// The title; of a one-to-one conversation the user's id.
  V2TIMString showName;
  int32_t unreadCount = 0;
  /// NULL when there is none; lives as long as this and its copies.
  V2TIMMessage *lastMessage = nullptr;
  V2TIMString draftText;
  bool isPinned = false;
  /// Sorts a list as the library does: the greatest first.
  uint64_t orderKey = 0;
  V2TIMUInt64Vector markList;
  /// Never filled here.
  V2TIMString groupType, faceUrl;
  V2TIMReceiveMessageOpt recvOpt = V2TIM_RECEIVE_MESSAGE;
  uint64_t draftTimestamp = 0, c2cReadTimestamp = 0, groupReadSequence = 0;
  V2TIMStringVector conversationGroupList;

  /// Owns lastMessage. Not in the vendor's class.
  std::shared_ptr<V2TIMMessage> message;
};

DEFINE_VECTOR(V2TIMConversation)
using V2TIMConversationVector = TXV2TIMConversationVector;

struct TIM_API V2TIMConversationResult {
  uint64_t nextSeq = 0;
  bool isFinished = false;
  V2TIMConversationVector conversationList;
};

struct TIM_API V2TIMConversationOperationResult {
  V2TIMString conversationID;
  int resultCode = 0;
  V2TIMString resultInfo;
};

DEFINE_VECTOR(V2TIMConversationOperationResult)
using V2TIMConversationOperationResultVector = TXV2TIMConversationOperationResultVector;

struct TIM_API V2TIMConversationListFilter {
  /// V2TIM_UNKNOWN: of both types.
  V2TIMConversationType type = V2TIM_UNKNOWN;
  /// Folders are not supported: must be empty.
  V2TIMString conversationGroup;
  /// Bits of which one must be set; 0: any.
  uint64_t markType = 0;
  bool hasUnreadCount = false;
};

#endif
