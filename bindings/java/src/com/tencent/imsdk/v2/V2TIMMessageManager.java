package com.tencent.imsdk.v2;

/** Deletes histories for good, here and on the server; the conversations stay in the list. */
public abstract class V2TIMMessageManager {
  V2TIMMessageManager() {}

  public abstract void clearC2CHistoryMessage(String userID, V2TIMCallback callback);

  public abstract void clearGroupHistoryMessage(String groupID, V2TIMCallback callback);
}
