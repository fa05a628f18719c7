package com.tencent.imsdk.v2;

import adieu.jni.Native;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Executor;

/** One user at a time, logged in. */
final class Session extends V2TIMManager {
  static final Session INSTANCE = new Session();

  /** A call of the library; returns its code. */
  interface Call {
    int on(long client);
  }

  final Listeners listeners = new Listeners();

  private boolean initialised;
  private boolean opening;
  private Thread opener;
  private long client;
  private String user;
  private int appId;
  private String server;
  private String authorities;
  private String path;
  private Executor executor = Runnable::run;

  private Session() {}

  @Override
  public synchronized boolean initSDK(Object context, int sdkAppID, V2TIMSDKConfig config) {
    V2TIMSDKConfig given = config != null ? config : new V2TIMSDKConfig();
    String url = given.getServerUrl() != null ? given.getServerUrl() : System.getenv("ADIEU_SERVER_URL");
    if (initialised || url == null || url.isEmpty()) return false;
    appId = sdkAppID;
    server = url;
    authorities = given.getCaCertificates();
    path = given.getStorePath() != null ? given.getStorePath() : Android.filesOf(context);
    executor = given.getCallbackExecutor() != null ? given.getCallbackExecutor() : Android.mainThread();
    initialised = true;
    return true;
  }

  @Override
  public void unInitSDK() {
    long closing;
    synchronized (this) {
      initialised = false;
      // One that opens a store just now finds that nobody waits for it, and closes it.
      while (opening && opener != Thread.currentThread()) {
        try {
          wait();
        } catch (InterruptedException interrupted) {
          Thread.currentThread().interrupt();
          break;
        }
      }
      closing = client;
      client = 0;
      user = null;
    }
    if (closing != 0) Native.close(closing);
  }

  @Override
  public void addIMSDKListener(V2TIMSDKListener listener) {
    if (listener != null && !listeners.sdk.contains(listener)) listeners.sdk.add(listener);
  }

  @Override
  public void removeIMSDKListener(V2TIMSDKListener listener) {
    listeners.sdk.remove(listener);
  }

  @Override
  public String getVersion() {
    return Native.text(Native.version());
  }

  @Override
  public void login(String userID, String userSig, V2TIMCallback callback) {
    long open;
    synchronized (this) {
      if (!initialised) {
        Outcome.fail(callback, 6013, "not initialised");
        return;
      }
      String wrong =
          opening ? "a login is under way"
              : client != 0 && !user.equals(userID) ? "another user is logged in; log out first"
              : userSig == null || userSig.isEmpty() ? "the UserSig is empty"
              : null;
      if (wrong != null) {
        Outcome.fail(callback, opening ? 7501 : client != 0 && !user.equals(userID) ? 7014 : 70002, wrong);
        return;
      }
      open = client;
      opening = open == 0;
    }
    if (open != 0) { // a newer UserSig
      Native.signIn(open, Native.bytes(userSig));
      pull(open, callback);
      return;
    }
    // Opening reads the store from the disk: not on the caller's thread.
    Thread thread = new Thread(() -> open(userID, userSig, callback), "adieu-login");
    thread.setDaemon(true);
    thread.start();
  }

  private void open(String userID, String userSig, V2TIMCallback callback) {
    String folder;
    String url;
    String trusted;
    int app;
    synchronized (this) {
      opener = Thread.currentThread();
      folder = path + File.separator + folderOf(userID);
      url = server;
      trusted = authorities;
      app = appId;
    }
    new File(folder).mkdirs();
    long[] handle = new long[1];
    byte[][] error = new byte[1][];
    byte[][] texts = {
      Native.bytes(folder), Native.bytes(userID), Native.bytes(url), Native.bytes(userSig), Native.bytes(trusted)
    };
    int code = Native.open(texts, app, this::hear, handle, error);
    String why = Native.text(error[0]);
    synchronized (this) {
      opening = false;
      opener = null;
      if (code == 0 && !initialised) {
        Native.closeAsync(handle[0], (ignored, desc, value) -> {});
        code = 6013;
        why = "the SDK was uninitialised during the login";
      }
      if (code == 0) {
        client = handle[0];
        user = userID;
      }
      notifyAll();
    }
    if (code != 0) Outcome.to(callback, executor()).done(code, Native.bytes(why), null);
    else pull(handle[0], callback);
  }

  /** Ends a login. */
  private void pull(long open, V2TIMCallback callback) {
    Native.Waiting told = Outcome.to(callback, executor());
    int refused =
        Native.pull(open, (code, desc, value) -> {
          if (code == 0 || Outcome.isNetwork(code)) {
            told.done(0, null, null);
            return;
          }
          synchronized (this) {
            if (client == open) {
              client = 0;
              user = null;
            }
          }
          // Told when the store is free for the next login.
          int closing = Native.closeAsync(open, (ignored, none, nothing) -> told.done(code, desc, null));
          if (closing != 0) told.done(code, desc, null);
        });
    if (refused != 0) told.done(refused, Native.strerror(refused), null);
  }

  @Override
  public void logout(V2TIMCallback callback) {
    long closing;
    synchronized (this) {
      closing = client;
      client = 0;
      user = null;
    }
    if (closing == 0) {
      Outcome.fail(callback, isInitialised() ? 6014 : 6013, "nobody is logged in");
      return;
    }
    int refused = Native.closeAsync(closing, Outcome.to(callback, executor()));
    if (refused != 0) Outcome.fail(callback, refused, Native.text(Native.strerror(refused)));
  }

  @Override
  public synchronized String getLoginUser() {
    return user;
  }

  @Override
  public synchronized int getLoginStatus() {
    return opening ? V2TIM_STATUS_LOGINING : client != 0 ? V2TIM_STATUS_LOGINED : V2TIM_STATUS_LOGOUT;
  }

  synchronized boolean isInitialised() {
    return initialised;
  }

  synchronized Executor executor() {
    return executor;
  }

  /** Hands the client to a call; 0, or what was wrong at once: 6013, 6014 or the library's code. */
  int call(Call call) {
    long open;
    synchronized (this) {
      if (client == 0) return initialised ? 6014 : 6013;
      open = client;
    }
    return call.on(open);
  }

  private void hear(
      int kind, int sync, byte[] id, Native.Conversation it, long unread, int code, byte[] desc) {
    Outcome.run(
        executor(),
        () -> listeners.hear(kind, sync, Native.text(id), it, unread, code, Native.text(desc)));
  }

  /** What is not a-z, 0-9, - or _ is escaped: no two users meet where a file system ignores case. */
  static String folderOf(String user) {
    StringBuilder name = new StringBuilder();
    for (byte one : String.valueOf(user).getBytes(StandardCharsets.UTF_8)) {
      char it = (char) (one & 0xff);
      boolean plain = it >= 'a' && it <= 'z' || it >= '0' && it <= '9' || it == '-' || it == '_';
      if (plain) name.append(it);
      else name.append(String.format("%%%02x", (int) it));
    }
    return name.toString();
  }
}
