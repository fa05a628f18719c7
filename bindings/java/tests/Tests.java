import com.tencent.imsdk.v2.*;
import java.lang.ref.WeakReference;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * The vendor's classes against a real server, which has for ADIEU_USER: c2c_bob, c2c_carol,
 * c2c_Example, group_team.
 */
public final class Tests {
  static final V2TIMManager MANAGER = V2TIMManager.getInstance();
  static final V2TIMConversationManager CONVERSATIONS = V2TIMManager.getConversationManager();
  static int failures;

  static void check(boolean holds, String what) {
    if (holds) return;
    failures++;
    System.err.println(what + " at " + Thread.currentThread().getStackTrace()[2]);
  }

  /** What calls are told; each must be told once. */
  static class Told<T> implements V2TIMCallback, V2TIMValueCallback<T> {
    final LinkedBlockingQueue<Integer> codes = new LinkedBlockingQueue<>();
    final AtomicInteger count = new AtomicInteger();
    volatile T value;
    volatile String desc;
    volatile Thread thread;

    @Override
    public void onSuccess() {
      tell(0);
    }

    @Override
    public void onSuccess(T told) {
      value = told;
      tell(0);
    }

    @Override
    public void onError(int code, String told) {
      desc = told;
      tell(code);
    }

    void tell(int code) {
      thread = Thread.currentThread();
      count.incrementAndGet();
      codes.add(code);
    }

    /** The code; -1000 when nothing came. */
    int get() {
      try {
        Integer code = codes.poll(60_000 + blocked(), TimeUnit.MILLISECONDS);
        return code != null ? code : -1000;
      } catch (InterruptedException interrupted) {
        return -1000;
      }
    }
  }

  static int outcome(Consumer<Told<Void>> call) {
    Told<Void> told = new Told<>();
    call.accept(told);
    return told.get();
  }

  static <T> T value(Consumer<Told<T>> call) {
    Told<T> told = new Told<>();
    call.accept(told);
    check(told.get() == 0, "a value");
    return told.value;
  }

  static String env(String name) {
    return System.getenv(name);
  }

  static V2TIMSDKConfig config() {
    V2TIMSDKConfig config = new V2TIMSDKConfig();
    config.setStorePath(env("ADIEU_STORE"));
    return config;
  }

  static int login() {
    return outcome(told -> MANAGER.login(env("ADIEU_USER"), env("ADIEU_USER_SIG"), told));
  }

  static boolean init() {
    return MANAGER.initSDK(null, Integer.parseInt(env("ADIEU_APP_ID")), config());
  }

  static int listed() {
    return Tests.<V2TIMConversationResult>value(told -> CONVERSATIONS.getConversationList(0, 1000, told))
        .getConversationList().size();
  }

  /** How long a callback that blocks does so, in milliseconds. */
  static long blocked() {
    String seconds = System.getenv("ADIEU_TEST_BLOCK_SECONDS");
    return seconds != null ? Long.parseLong(seconds) * 1000 : 200;
  }

  /** A server whose authority nobody else knows is spoken to by who was told of it. */
  static void authorities() throws java.io.IOException {
    String trusted = new String(Files.readAllBytes(Paths.get(env("ADIEU_CA_CERTIFICATES"))));
    String[] given = {"no certificate", null, trusted};
    int[] codes = {6017, 0, 0};
    int[] lengths = {0, 0, 4}; // without it as without a network: what the device has
    for (int i = 0; i < given.length; i++) {
      V2TIMSDKConfig config = config();
      config.setStorePath(env("ADIEU_STORE") + "/" + i);
      config.setServerUrl(env("ADIEU_TLS_URL"));
      config.setCaCertificates(given[i]);
      check(MANAGER.initSDK(null, Integer.parseInt(env("ADIEU_APP_ID")), config), "init " + i);
      check(login() == codes[i], "login " + i);
      check(codes[i] != 0 || listed() == lengths[i], "list " + i);
      MANAGER.unInitSDK();
    }
  }

  static void beforeALogin() {
    check(outcome(told -> CONVERSATIONS.deleteConversation("c2c_bob", told)) == 6013, "6013");
    CONVERSATIONS.deleteConversation("c2c_bob", null);
    check(init() && !init(), "init once");
    check(outcome(told -> CONVERSATIONS.deleteConversation("c2c_bob", told)) == 6014, "6014");
    check(outcome(MANAGER::logout) == 6014, "logout");
    check(MANAGER.getLoginUser() == null && !MANAGER.getVersion().isEmpty(), "nobody");
    check(outcome(told -> MANAGER.login(env("ADIEU_USER"), "", told)) == 70002, "empty");
    check(outcome(told -> MANAGER.login(env("ADIEU_USER"), "nonsense", told)) == 70003, "nonsense");
    check(outcome(told -> MANAGER.login(null, "sig", told)) != 0, "no user");
    check(login() == 0 && env("ADIEU_USER").equals(MANAGER.getLoginUser()), "login");
    check(login() == 0, "a newer UserSig");
    check(outcome(told -> MANAGER.login("eve", "sig", told)) == 7014, "another");
    check(MANAGER.getLoginStatus() == V2TIMManager.V2TIM_STATUS_LOGINED, "status");
  }

  static void theList() {
    V2TIMConversationResult first = value(told -> CONVERSATIONS.getConversationList(0, 3, told));
    check(first.getConversationList().size() == 3 && !first.isFinished(), "first page");
    V2TIMConversationResult second =
        value(told -> CONVERSATIONS.getConversationList(first.getNextSeq(), 3, told));
    check(second.getConversationList().size() == 1 && second.isFinished(), "second page");
    V2TIMConversationListFilter groups = new V2TIMConversationListFilter();
    groups.setConversationType(V2TIMConversation.V2TIM_GROUP);
    V2TIMConversationResult group =
        value(told -> CONVERSATIONS.getConversationListByFilter(groups, 0, 9, told));
    check("team".equals(group.getConversationList().get(0).getGroupID()), "filter");
    List<V2TIMConversation> some =
        value(told -> CONVERSATIONS.getConversationList(Arrays.asList("c2c_carol", "c2c_no"), told));
    check(some.size() == 1 && "carol".equals(some.get(0).getUserID()), "by ids");
    V2TIMConversation bob = value(told -> CONVERSATIONS.getConversation("c2c_bob", told));
    check("message 3 of c2c_bob".equals(bob.getLastMessage().getText()), "last message");
    Told<V2TIMConversation> nobody = new Told<>();
    CONVERSATIONS.getConversation("c2c_nobody", nobody);
    check(nobody.get() == 6017, "nobody");
    check(outcome(told -> CONVERSATIONS.pinConversation("group_team", true, told)) == 0, "pin");
    check(outcome(told -> CONVERSATIONS.setConversationDraft("group_team", "Grüße 👋", told)) == 0, "draft");
    check(outcome(told -> CONVERSATIONS.cleanConversationUnreadMessageCount("c2c_bob", 0, 0, told)) == 0, "read");
    V2TIMConversation team = value(told -> CONVERSATIONS.getConversation("group_team", told));
    check(team.isPinned() && "Grüße 👋".equals(team.getDraftText()), "pinned with draft");
    check(Tests.<Long>value(CONVERSATIONS::getTotalUnreadMessageCount) > 0, "unread");
  }

  static void badIds() {
    String tooLong = "c2c_" + String.join("", Collections.nCopies(33, "x"));
    for (String id : new String[] {null, "", "conversationID", "c2c_", tooLong, "c2c_👋", "c2c_bob\0x"})
      check(outcome(told -> CONVERSATIONS.deleteConversation(id, told)) == 6017, "id " + id);
    check(outcome(told -> CONVERSATIONS.deleteConversationGroup("c2c_bob", told)) == 7013, "folder");
    CONVERSATIONS.deleteConversationGroup("c2c_bob", null);
    check(listed() == 4, "nothing was deleted");
  }

  static void callbacksThatMisbehave() throws InterruptedException {
    AtomicInteger thrown = new AtomicInteger();
    Thread.setDefaultUncaughtExceptionHandler((thread, what) -> thrown.incrementAndGet());
    for (String id : new String[] {"c2c_nobody", "no id"}) {
      Told<Void> throwing =
          new Told<Void>() {
            @Override
            void tell(int code) {
              super.tell(code);
              throw new IllegalStateException("thrown by a callback");
            }
          };
      CONVERSATIONS.deleteConversation(id, throwing);
      check(throwing.get() != -1000, "throwing");
    }
    CONVERSATIONS.deleteConversation("c2c_nobody", null);
    check(outcome(told -> CONVERSATIONS.deleteConversation("c2c_nobody", told)) == 0, "goes on");
    check(thrown.get() == 2, "contained: " + thrown);
    Thread.setDefaultUncaughtExceptionHandler(null);

    // While one blocks, callers do not.
    CountDownLatch entered = new CountDownLatch(1);
    CountDownLatch released = new CountDownLatch(1);
    Told<Void> blocking =
        new Told<Void>() {
          @Override
          public void onSuccess() {
            entered.countDown();
            try {
              released.await();
            } catch (InterruptedException interrupted) {
              onError(-1, "");
            }
            super.onSuccess();
          }
        };
    CONVERSATIONS.pinConversation("c2c_bob", true, blocking);
    entered.await();
    Told<Void> behind = new Told<>();
    CONVERSATIONS.deleteConversation("c2c_nobody", behind);
    Thread.sleep(blocked());
    check(behind.count.get() == 0, "behind");
    released.countDown();
    check(blocking.get() == 0 && behind.get() == 0, "both");
  }

  static void deletions() {
    Told<List<String>> deleted = new Told<>();
    V2TIMConversationListener listener =
        new V2TIMConversationListener() {
          @Override
          public void onConversationGroupDeleted(String never) {}

          @Override
          public void onConversationDeleted(List<String> ids) {
            deleted.onSuccess(ids);
            throw new IllegalStateException("thrown by a listener");
          }
        };
    Thread.setDefaultUncaughtExceptionHandler((thread, what) -> {});
    CONVERSATIONS.addConversationListener(listener);
    CONVERSATIONS.addConversationListener(null);
    Told<Void> told = new Told<>();
    CONVERSATIONS.deleteConversation("c2c_bob", told);
    check(told.get() == 0 && told.thread != Thread.currentThread() && told.thread.isDaemon(), "thread");
    check(deleted.get() == 0 && deleted.value.equals(Collections.singletonList("c2c_bob")), "event");
    CONVERSATIONS.removeConversationListener(listener);
    Thread.setDefaultUncaughtExceptionHandler(null);
    List<V2TIMConversationOperationResult> results =
        value(it -> CONVERSATIONS.deleteConversationList(Arrays.asList("c2c_carol", null, "x"), true, it));
    check(results.get(0).getResultCode() == 0, "carol");
    check(results.get(1).getResultCode() == 6017 && results.get(2).getResultCode() == 6017, "not ids");
    Told<List<V2TIMConversationOperationResult>> none = new Told<>();
    CONVERSATIONS.deleteConversationList(null, true, none);
    check(none.get() == 6017, "no list");
    check(outcome(it -> V2TIMManager.getMessageManager().clearGroupHistoryMessage("team", it)) == 0, "clear");
    V2TIMConversation team = value(it -> CONVERSATIONS.getConversation("group_team", it));
    check(team.getLastMessage() == null && listed() == 2, "emptied");
  }

  /** One outcome each, also when the end comes in between and the collector runs. */
  static void many(int count, boolean end) throws InterruptedException {
    List<Told<Void>> all = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Told<Void> told = new Told<>();
      all.add(told);
      if (i % 10 == 0) CONVERSATIONS.deleteConversation("c2c_u" + i, told);
      else CONVERSATIONS.pinConversation("no id", true, told);
    }
    System.gc();
    if (end) MANAGER.unInitSDK();
    for (Told<Void> told : all) check(told.get() != -1000, "an outcome");
    Thread.sleep(100);
    for (Told<Void> told : all) check(told.count.get() == 1, "once");
  }

  /** Ten thousand calls, and the callbacks of all of them can be collected. */
  static void nothingIsKept() throws InterruptedException {
    List<WeakReference<Told<Void>>> all = new ArrayList<>();
    for (int i = 0; i < 10000; i++) {
      Told<Void> told = new Told<>();
      all.add(new WeakReference<>(told));
      CONVERSATIONS.pinConversation(i % 2 == 0 ? "c2c_nobody" : "no id", false, told);
    }
    check(outcome(told -> CONVERSATIONS.deleteConversation("c2c_nobody", told)) == 0, "the last");
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    long kept;
    do {
      System.gc();
      Thread.sleep(10);
      kept = all.stream().filter(it -> it.get() != null).count();
    } while (kept > 0 && System.nanoTime() < deadline);
    check(kept == 0, kept + " of 10,000 callbacks are kept");
  }

  /** What the process has of the machine's memory, in bytes; 0 where it is not told. */
  static long resident() throws java.io.IOException {
    java.nio.file.Path told = Paths.get("/proc/self/statm");
    if (!Files.exists(told)) return 0;
    return Long.parseLong(new String(Files.readAllBytes(told)).split(" ")[1]) * 4096;
  }

  /** Nor does the native side keep anything. */
  static void nothingGrows() throws Exception {
    for (int i = 0; i < 5 && failures == 0; i++) nothingIsKept();
    long before = resident();
    for (int i = 0; i < 10 && failures == 0; i++) nothingIsKept();
    long grown = resident() - before;
    check(grown < 20_000_000, "100,000 calls left " + grown + " bytes behind");
  }

  public static void main(String[] arguments) throws Exception {
    authorities();
    beforeALogin();
    theList();
    badIds();
    callbacksThatMisbehave();
    deletions();
    many(10000, false);
    nothingGrows();
    check(outcome(MANAGER::logout) == 0 && login() == 0, "again");
    many(1000, true);

    // An executor of the host's, and one that takes nothing any more.
    ExecutorService own = Executors.newSingleThreadExecutor(run -> new Thread(run, "own"));
    V2TIMSDKConfig config = config();
    config.setCallbackExecutor(own);
    check(MANAGER.initSDK(null, Integer.parseInt(env("ADIEU_APP_ID")), config) && login() == 0, "own");
    Told<Void> told = new Told<>();
    CONVERSATIONS.deleteConversation("c2c_nobody", told);
    check(told.get() == 0 && "own".equals(told.thread.getName()), "on the executor");
    own.shutdown();
    check(outcome(it -> CONVERSATIONS.deleteConversation("c2c_nobody", it)) == 0, "without it");
    MANAGER.unInitSDK();

    // Ended from a callback; afterwards the store is free.
    check(init() && login() == 0, "init");
    Told<Void> ending =
        new Told<Void>() {
          @Override
          public void onSuccess() {
            MANAGER.unInitSDK();
            super.onSuccess();
          }
        };
    CONVERSATIONS.pinConversation("group_team", false, ending);
    check(ending.get() == 0 && init(), "ended");
    int code;
    while ((code = login()) == 6005) Thread.sleep(1);
    check(code == 0, "login after all");
    MANAGER.unInitSDK();
    System.out.println(failures + " failures");
    System.exit(failures == 0 ? 0 : 1);
  }
}
