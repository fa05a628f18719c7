package com.tencent.imsdk.v2;

/** The entry. Any thread. */
public abstract class V2TIMManager {
  public static final int V2TIM_STATUS_LOGINED = 1;
  public static final int V2TIM_STATUS_LOGINING = 2;
  public static final int V2TIM_STATUS_LOGOUT = 3;

  V2TIMManager() {}

  public static V2TIMManager getInstance() {
    return Session.INSTANCE;
  }

  public static V2TIMConversationManager getConversationManager() {
    return Conversations.INSTANCE;
  }

  public static V2TIMMessageManager getMessageManager() {
    return Conversations.MESSAGES;
  }

  /**
   * The context is Android's, or null. False when it was initialised already, or when no server is
   * given: without one, deleting would be erasing on this device alone.
   */
  public abstract boolean initSDK(Object context, int sdkAppID, V2TIMSDKConfig config);

  /** Waits for the last callback, unless it is called from one. Calls under way get their onError. */
  public abstract void unInitSDK();

  public abstract void addIMSDKListener(V2TIMSDKListener listener);

  public abstract void removeIMSDKListener(V2TIMSDKListener listener);

  public abstract String getVersion();

  /**
   * Opens the user's store, then pulls from the server. Succeeds without a network, with what the
   * device has.
   */
  public abstract void login(String userID, String userSig, V2TIMCallback callback);

  public abstract void logout(V2TIMCallback callback);

  /** null when nobody is logged in. */
  public abstract String getLoginUser();

  public abstract int getLoginStatus();
}
