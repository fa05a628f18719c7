package com.tencent.imsdk.v2;

import java.util.List;

/** Conversations of the user who is logged in. Any thread. */
public abstract class V2TIMConversationManager {
  V2TIMConversationManager() {}

  public abstract void addConversationListener(V2TIMConversationListener listener);

  public abstract void removeConversationListener(V2TIMConversationListener listener);

  /** A page of the list on this device; begin with nextSeq 0. */
  public abstract void getConversationList(
      long nextSeq, int count, V2TIMValueCallback<V2TIMConversationResult> callback);

  /** 6017 for one that the list does not show. */
  public abstract void getConversation(
      String conversationID, V2TIMValueCallback<V2TIMConversation> callback);

  /** Those of them that the list shows, in the order of the ids. */
  public abstract void getConversationList(
      List<String> conversationIDList, V2TIMValueCallback<List<V2TIMConversation>> callback);

  public abstract void getConversationListByFilter(
      V2TIMConversationListFilter filter,
      long nextSeq,
      int count,
      V2TIMValueCallback<V2TIMConversationResult> callback);

  /** Deletes a conversation for good: from the server, then from this device. */
  public abstract void deleteConversation(String conversationID, V2TIMCallback callback);

  /** 1 to 100 of them. With clearMessage false they only leave the list. */
  public abstract void deleteConversationList(
      List<String> conversationIDList,
      boolean clearMessage,
      V2TIMValueCallback<List<V2TIMConversationOperationResult>> callback);

  public abstract void setConversationDraft(
      String conversationID, String draftText, V2TIMCallback callback);

  public abstract void pinConversation(
      String conversationID, boolean isPinned, V2TIMCallback callback);

  public abstract void getTotalUnreadMessageCount(V2TIMValueCallback<Long> callback);

  /** One conversation, by its sequence (0: all that is there); else 7013. */
  public abstract void cleanConversationUnreadMessageCount(
      String conversationID, long cleanTimestamp, long cleanSequence, V2TIMCallback callback);

  /**
   * Folders of conversations: not supported (7013), it deletes nothing. Not to be mistaken for
   * deleteConversation.
   */
  public abstract void deleteConversationGroup(String groupName, V2TIMCallback callback);
}
