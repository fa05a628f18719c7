package adieu.jni;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/**
 * The functions of adieu.h. Text goes over as bytes in UTF-8. A call that returns 0 is followed by
 * exactly one {@link Waiting#done}; one that returns a negative code by none.
 */
public final class Native {
  /** Who waits for the outcome of a call; told on a thread of the library. Must not throw. */
  public interface Waiting {
    /** Code 0 with what was asked for, or what went wrong. */
    void done(int code, byte[] desc, Object value);
  }

  /** Who hears of events. Must not throw. */
  public interface Listener {
    void event(
        int kind, int syncState, byte[] id, Conversation conversation, long unread, int code, byte[] desc);
  }

  /** A line of the conversation list. */
  public static final class Conversation {
    public final String id, title, draft, lastSender, lastText;
    public final long unread, marks, lastTime, lastPosition;
    public final boolean pinned;

    Conversation(
        byte[] id, byte[] title, byte[] draft, long unread, long marks, boolean pinned,
        byte[] lastSender, byte[] lastText, long lastTime, long lastPosition) {
      this.id = text(id);
      this.title = text(title);
      this.draft = text(draft);
      this.unread = unread;
      this.marks = marks;
      this.pinned = pinned;
      this.lastSender = text(lastSender);
      this.lastText = text(lastText);
      this.lastTime = lastTime;
      this.lastPosition = lastPosition;
    }
  }

  /** What became of one conversation of a list. */
  public static final class Result {
    public final String id, desc;
    public final int code;

    Result(byte[] id, int code, byte[] desc) {
      this.id = text(id);
      this.code = code;
      this.desc = text(desc);
    }
  }

  static {
    load();
  }

  private Native() {}

  /** Opens a client: store path, user, server, UserSig, certificates of authorities. */
  public static native int open(byte[][] texts, long appId, Listener listener, long[] handle, byte[][] error);

  public static native int close(long handle);

  public static native int closeAsync(long handle, Waiting waiting);

  public static native int signIn(long handle, byte[] userSig);

  public static native int pull(long handle, Waiting waiting);

  public static native int list(long handle, Waiting waiting);

  public static native int delete(long handle, byte[] id, Waiting waiting);

  public static native int deleteAll(long handle, byte[][] ids, boolean keepHistory, Waiting waiting);

  public static native int clearHistory(long handle, byte[] id, Waiting waiting);

  public static native int pin(long handle, byte[] id, boolean pinned, Waiting waiting);

  public static native int setDraft(long handle, byte[] id, byte[] draft, Waiting waiting);

  public static native int markRead(long handle, byte[] id, long through, Waiting waiting);

  public static native byte[] version();

  public static native byte[] strerror(int code);

  /** From UTF-8; null stays null. */
  public static String text(byte[] bytes) {
    return bytes == null ? null : new String(bytes, StandardCharsets.UTF_8);
  }

  /**
   * To UTF-8; null stays null. A NUL becomes U+0001, which no id may hold, so that no id is taken for
   * a shorter one.
   */
  public static byte[] bytes(String text) {
    return text == null ? null : text.replace('\0', '\1').getBytes(StandardCharsets.UTF_8);
  }

  /** From adieu.library.path, from where the system looks, or from within the jar. */
  private static void load() {
    String name = System.mapLibraryName("adieu_jni");
    String given = System.getProperty("adieu.library.path");
    if (given != null) {
      System.load(new File(given, name).getAbsolutePath());
      return;
    }
    try {
      System.loadLibrary("adieu_jni");
    } catch (UnsatisfiedLinkError notThere) {
      if (!loadFromJar(name)) throw notThere;
    }
  }

  /** The jar may hold /native/OS-ARCH/ with the two libraries: they are put side by side. */
  private static boolean loadFromJar(String name) {
    String os = System.getProperty("os.name").toLowerCase(Locale.ROOT);
    String system = os.contains("win") ? "windows" : os.contains("mac") ? "macos" : "linux";
    String from = "/native/" + system + "-" + System.getProperty("os.arch") + "/";
    String library = system.equals("linux") ? "libadieu.so.0" : System.mapLibraryName("adieu");
    try {
      Path folder = Files.createTempDirectory("adieu");
      folder.toFile().deleteOnExit();
      for (String file : new String[] {library, name}) {
        try (InputStream stream = Native.class.getResourceAsStream(from + file)) {
          if (stream == null) return false;
          Path to = folder.resolve(file);
          Files.copy(stream, to);
          to.toFile().deleteOnExit();
        }
      }
      System.load(folder.resolve(name).toString());
      return true;
    } catch (IOException failed) {
      throw new UnsatisfiedLinkError("cannot unpack " + from + name + ": " + failed.getMessage());
    }
  }
}
