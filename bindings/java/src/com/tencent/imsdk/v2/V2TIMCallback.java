package com.tencent.imsdk.v2;

/**
 * The outcome of a call: exactly one of the two, exactly once. What it throws ends there and goes to
 * the thread's uncaught-exception handler. Wherever one is taken, null may be given.
 */
public interface V2TIMCallback {
  void onSuccess();

  void onError(int code, String desc);
}
