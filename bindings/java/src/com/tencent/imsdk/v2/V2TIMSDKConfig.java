package com.tencent.imsdk.v2;

import java.util.concurrent.Executor;

/** How the SDK is initialised. */
public class V2TIMSDKConfig {
  public static final int V2TIM_LOG_NONE = 0;
  public static final int V2TIM_LOG_DEBUG = 3;
  public static final int V2TIM_LOG_INFO = 4;
  public static final int V2TIM_LOG_WARN = 5;
  public static final int V2TIM_LOG_ERROR = 6;

  private int logLevel = V2TIM_LOG_NONE;
  private String serverUrl;
  private String storePath;
  private String caCertificates;
  private Executor callbackExecutor;

  /** The library writes no logs: not used. */
  public void setLogLevel(int logLevel) {
    this.logLevel = logLevel;
  }

  public int getLogLevel() {
    return logLevel;
  }

  /**
   * https://HOST[:PORT] of adieu-server; default: ADIEU_SERVER_URL in the environment. Not in the
   * vendor's class.
   */
  public void setServerUrl(String serverUrl) {
    this.serverUrl = serverUrl;
  }

  public String getServerUrl() {
    return serverUrl;
  }

  /**
   * Folder of the stores, one for each user; default: the files of the Android context, else the
   * current folder. Not in the vendor's class.
   */
  public void setStorePath(String storePath) {
    this.storePath = storePath;
  }

  public String getStorePath() {
    return storePath;
  }

  /**
   * Certificates of the authorities that the server's has to come from, in PEM form; default: the
   * authorities of Mozilla's list. A text that is none fails the login (6017). Not in the vendor's
   * class.
   */
  public void setCaCertificates(String caCertificates) {
    this.caCertificates = caCertificates;
  }

  public String getCaCertificates() {
    return caCertificates;
  }

  /**
   * Where callbacks and listeners are called; default: the main thread on Android, else a thread of
   * the library. It has to keep their order. Not in the vendor's class.
   */
  public void setCallbackExecutor(Executor callbackExecutor) {
    this.callbackExecutor = callbackExecutor;
  }

  public Executor getCallbackExecutor() {
    return callbackExecutor;
  }
}
