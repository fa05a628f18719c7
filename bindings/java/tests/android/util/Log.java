package android.util;

/** Stands in for Android's on a desktop: keeps what is said. */
public final class Log {
  public static final java.util.concurrent.BlockingQueue<String> SAID =
      new java.util.concurrent.LinkedBlockingQueue<>();

  public static int i(String tag, String message) {
    SAID.add(message);
    return 0;
  }
}
