package com.tencent.imsdk.v2;

/** Of a message, what a list of conversations shows. */
public class V2TIMMessage {
  private final String sender;
  private final String text;
  private final long timestamp;
  private final long seq;

  V2TIMMessage(String sender, String text, long timestamp, long seq) {
    this.sender = sender;
    this.text = text;
    this.timestamp = timestamp;
    this.seq = seq;
  }

  public String getSender() {
    return sender;
  }

  /** Unix seconds. */
  public long getTimestamp() {
    return timestamp;
  }

  /** Its place in the conversation. */
  public long getSeq() {
    return seq;
  }

  /** Its texts, joined. Not in the vendor's class. */
  public String getText() {
    return text;
  }
}
