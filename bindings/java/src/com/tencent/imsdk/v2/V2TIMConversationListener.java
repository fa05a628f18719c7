package com.tencent.imsdk.v2;

import java.util.List;

/** Events of the conversation list, in one order with the callbacks of calls. */
public abstract class V2TIMConversationListener {
  public void onSyncServerStart() {}

  public void onSyncServerFinish() {}

  public void onSyncServerFailed() {}

  public void onNewConversation(List<V2TIMConversation> conversationList) {}

  public void onConversationChanged(List<V2TIMConversation> conversationList) {}

  /** Afterwards no other event names them, unless a newer message comes. */
  public void onConversationDeleted(List<String> conversationIDList) {}

  public void onTotalUnreadMessageCountChanged(long totalUnreadCount) {}

  // Never called here, as there are neither folders nor subscriptions: for listeners that override
  // them.

  public void onUnreadMessageCountChangedByFilter(
      V2TIMConversationListFilter filter, long totalUnreadCount) {}

  public void onConversationGroupCreated(String groupName, List<V2TIMConversation> conversationList) {}

  public void onConversationGroupDeleted(String groupName) {}

  public void onConversationGroupNameChanged(String oldName, String newName) {}

  public void onConversationsAddedToGroup(String groupName, List<V2TIMConversation> conversationList) {}

  public void onConversationsDeletedFromGroup(String groupName, List<V2TIMConversation> conversationList) {}
}
