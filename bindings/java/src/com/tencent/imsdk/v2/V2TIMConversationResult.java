package com.tencent.imsdk.v2;

import java.util.List;

/** A page of the conversation list. */
public class V2TIMConversationResult {
  private final List<V2TIMConversation> conversationList;
  private final long nextSeq;
  private final boolean finished;

  V2TIMConversationResult(List<V2TIMConversation> conversationList, long nextSeq, boolean finished) {
    this.conversationList = conversationList;
    this.nextSeq = nextSeq;
    this.finished = finished;
  }

  public List<V2TIMConversation> getConversationList() {
    return conversationList;
  }

  /** Where the next page begins. */
  public long getNextSeq() {
    return nextSeq;
  }

  public boolean isFinished() {
    return finished;
  }
}
