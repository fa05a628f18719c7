package com.tencent.imsdk.v2;

import adieu.jni.Native;
import java.util.ArrayList;
import java.util.List;

/** A line of the conversation list. */
public class V2TIMConversation {
  public static final int CONVERSATION_TYPE_INVALID = 0;
  public static final int V2TIM_C2C = 1;
  public static final int V2TIM_GROUP = 2;

  private static final String C2C = "c2c_";
  private static final String GROUP = "group_";

  private final Native.Conversation it;

  V2TIMConversation(Native.Conversation it) {
    this.it = it;
  }

  public int getType() {
    return it.id.startsWith(C2C) ? V2TIM_C2C : it.id.startsWith(GROUP) ? V2TIM_GROUP : CONVERSATION_TYPE_INVALID;
  }

  public String getConversationID() {
    return it.id;
  }

  /** null for a group. */
  public String getUserID() {
    return getType() == V2TIM_C2C ? it.id.substring(C2C.length()) : null;
  }

  /** null for a one-to-one conversation. */
  public String getGroupID() {
    return getType() == V2TIM_GROUP ? it.id.substring(GROUP.length()) : null;
  }

  /** The title; of a one-to-one conversation the user's id. */
  public String getShowName() {
    return getType() == V2TIM_C2C ? getUserID() : it.title;
  }

  public int getUnreadCount() {
    return (int) Math.min(it.unread, Integer.MAX_VALUE);
  }

  /** null when there is none. */
  public V2TIMMessage getLastMessage() {
    return it.lastSender == null
        ? null
        : new V2TIMMessage(it.lastSender, it.lastText, it.lastTime, it.lastPosition);
  }

  public String getDraftText() {
    return it.draft;
  }

  public boolean isPinned() {
    return it.pinned;
  }

  /** Bits. */
  public List<Long> getMarkList() {
    List<Long> marks = new ArrayList<>();
    for (long bit = 1; bit != 0; bit <<= 1) if ((it.marks & bit) != 0) marks.add(bit);
    return marks;
  }

  /** Sorts a list as the library does: the greatest first. */
  public long getOrderKey() {
    return (it.pinned ? 1L << 62 : 0) | (it.lastTime & 0x3ffffffffffL) << 20 | it.lastPosition & 0xfffff;
  }

  long marks() {
    return it.marks;
  }
}
