package com.tencent.imsdk.v2;

import adieu.jni.Native;
import java.util.concurrent.Executor;

/** How outcomes get from the library to the app: numbers, threads, and what the app throws. */
final class Outcome {
  /** What an app does with a value. */
  interface On<T> {
    void value(T value);
  }

  private Outcome() {}

  /** The one place where what the library says becomes a number of the vendor's. */
  static int number(int code) {
    switch (code) {
      case -1: // ADIEU_ERR_INVALID_HANDLE
      case -3: // ADIEU_ERR_CLOSED
        return 6014;
      case -2: // ADIEU_ERR_INVALID_ARGUMENT
      case -8: // ADIEU_ERR_NOT_FOUND
        return 6017;
      case -10: // ADIEU_ERR_STORE_LOCKED, _NEWER, _DAMAGED, _MASTER_KEY, _STORE_PATH
      case -11:
      case -12:
      case -13:
      case -14:
        return 6005;
      case -7: // ADIEU_ERR_OUTCOME_UNKNOWN
        return 9520;
      default:
        return code;
    }
  }

  /** Whether a login may pass over it: the device shows what it has, and connects later. */
  static boolean isNetwork(int code) {
    return code == 6012 || code == -7 || (code >= 9500 && code < 9600);
  }

  static void fail(V2TIMCallback callback, int code, String desc) {
    if (callback != null) contain(() -> callback.onError(number(code), desc));
  }

  static void fail(V2TIMValueCallback<?> callback, int code, String desc) {
    if (callback != null) contain(() -> callback.onError(number(code), desc));
  }

  /** Tells a callback on the executor. */
  static Native.Waiting to(V2TIMCallback callback, Executor executor) {
    return (code, desc, value) ->
        run(executor, () -> {
          if (callback == null) return;
          if (code == 0) contain(callback::onSuccess);
          else fail(callback, code, Native.text(desc));
        });
  }

  /** Tells a callback on the executor; `on` makes of the library's value what it is told. */
  @SuppressWarnings("unchecked")
  static <T> Native.Waiting to(V2TIMValueCallback<?> callback, Executor executor, On<T> on) {
    return (code, desc, value) ->
        run(executor, () -> {
          if (callback == null) return;
          if (code == 0) contain(() -> on.value((T) value));
          else fail(callback, code, Native.text(desc));
        });
  }

  /** An executor that takes nothing (any more) must not cost an outcome. */
  static void run(Executor executor, Runnable told) {
    try {
      executor.execute(told);
    } catch (RuntimeException refused) {
      contain(told);
    }
  }

  /** What code of the app throws goes to the thread's handler, and no further. */
  static void contain(Runnable told) {
    try {
      told.run();
    } catch (Throwable thrown) {
      Thread thread = Thread.currentThread();
      try {
        thread.getUncaughtExceptionHandler().uncaughtException(thread, thrown);
      } catch (Throwable ignored) {
        // As the JVM does with what a handler throws.
      }
    }
  }
}
