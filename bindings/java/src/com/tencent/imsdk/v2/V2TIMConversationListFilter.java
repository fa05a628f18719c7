package com.tencent.imsdk.v2;

/** Which conversations are wanted; what is not set is not asked for. */
public class V2TIMConversationListFilter {
  private int conversationType;
  private long markType;
  private boolean hasUnreadCount;
  private String conversationGroup;

  public void setConversationType(int conversationType) {
    this.conversationType = conversationType;
  }

  /** Bits of which one must be set. */
  public void setMarkType(long markType) {
    this.markType = markType;
  }

  public void setHasUnreadCount(boolean hasUnreadCount) {
    this.hasUnreadCount = hasUnreadCount;
  }

  /** Folders are not supported (7013). */
  public void setConversationGroup(String conversationGroup) {
    this.conversationGroup = conversationGroup;
  }

  boolean namesFolder() {
    return conversationGroup != null && !conversationGroup.isEmpty();
  }

  boolean passes(V2TIMConversation it) {
    return (conversationType == 0 || conversationType == it.getType())
        && (markType == 0 || (markType & it.marks()) != 0)
        && (!hasUnreadCount || it.getUnreadCount() > 0);
  }
}
