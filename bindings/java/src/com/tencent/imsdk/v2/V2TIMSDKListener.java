package com.tencent.imsdk.v2;

/** The line to the server. */
public abstract class V2TIMSDKListener {
  public void onConnecting() {}

  public void onConnectSuccess() {}

  public void onConnectFailed(int code, String error) {}

  /** Never called here: devices do not push each other out. */
  public void onKickedOffline() {}

  /** The server does not take the UserSig any more: log in with a new one. */
  public void onUserSigExpired() {}
}
