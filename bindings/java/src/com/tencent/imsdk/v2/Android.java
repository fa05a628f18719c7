package com.tencent.imsdk.v2;

import java.lang.reflect.Method;
import java.util.concurrent.Executor;

/** What is asked of Android where it is there: by name, since a desktop's JVM has none of it. */
final class Android {
  private Android() {}

  /** The files of a context; else the current folder. */
  static String filesOf(Object context) {
    if (context == null) return ".";
    try {
      return context.getClass().getMethod("getFilesDir").invoke(context).toString();
    } catch (ReflectiveOperationException noContext) {
      return ".";
    }
  }

  /** The main thread; else the thread that calls. */
  static Executor mainThread() {
    try {
      Class<?> looper = Class.forName("android.os.Looper");
      Class<?> handler = Class.forName("android.os.Handler");
      Object main = looper.getMethod("getMainLooper").invoke(null);
      if (main == null) return Runnable::run;
      Object poster = handler.getConstructor(looper).newInstance(main);
      Method post = handler.getMethod("post", Runnable.class);
      return told -> {
        try {
          post.invoke(poster, told);
        } catch (ReflectiveOperationException impossible) {
          throw new IllegalStateException(impossible);
        }
      };
    } catch (ReflectiveOperationException desktop) {
      return Runnable::run;
    }
  }
}
