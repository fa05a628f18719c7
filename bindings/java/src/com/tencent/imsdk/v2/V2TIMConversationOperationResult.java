package com.tencent.imsdk.v2;

/** What became of one conversation of a list. */
public class V2TIMConversationOperationResult {
  private final String conversationID;
  private final int resultCode;
  private final String resultInfo;

  V2TIMConversationOperationResult(String conversationID, int resultCode, String resultInfo) {
    this.conversationID = conversationID;
    this.resultCode = resultCode;
    this.resultInfo = resultInfo;
  }

  public String getConversationID() {
    return conversationID;
  }

  /** 0: done. */
  public int getResultCode() {
    return resultCode;
  }

  public String getResultInfo() {
    return resultInfo;
  }
}
