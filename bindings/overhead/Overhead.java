import com.tencent.imsdk.v2.V2TIMCallback;
import com.tencent.imsdk.v2.V2TIMConversationManager;
import com.tencent.imsdk.v2.V2TIMManager;
import com.tencent.imsdk.v2.V2TIMSDKConfig;
import java.util.Scanner;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/** Through the vendor's Java classes: reads a kind and a number of calls, prints ns per call. */
public final class Overhead {
  private static final AtomicInteger TOLD = new AtomicInteger();

  private static void waitFor(int count) {
    while (TOLD.get() < count) LockSupport.parkNanos(20000);
  }

  public static void main(String[] arguments) {
    V2TIMCallback callback =
        new V2TIMCallback() {
          @Override
          public void onSuccess() {
            TOLD.incrementAndGet();
          }

          @Override
          public void onError(int code, String desc) {
            TOLD.incrementAndGet();
          }
        };
    V2TIMSDKConfig config = new V2TIMSDKConfig();
    config.setStorePath(System.getenv("ADIEU_STORE"));
    V2TIMManager manager = V2TIMManager.getInstance();
    V2TIMConversationManager conversations = V2TIMManager.getConversationManager();
    manager.initSDK(null, Integer.parseInt(System.getenv("ADIEU_APP_ID")), config);
    manager.login(System.getenv("ADIEU_USER"), System.getenv("ADIEU_USER_SIG"), callback);
    waitFor(1);
    Scanner wanted = new Scanner(System.in);
    while (wanted.hasNext()) {
      String kind = wanted.next();
      boolean pinning = kind.equals("pin");
      String[] ids = new String[wanted.nextInt()];
      for (int i = 0; i < ids.length; i++) ids[i] = (kind.equals("refused") ? "no id " : "c2c_u") + i;
      TOLD.set(0);
      long begun = System.nanoTime();
      for (String id : ids) {
        if (pinning) conversations.pinConversation(id, true, callback);
        else conversations.deleteConversation(id, callback);
      }
      waitFor(ids.length);
      System.out.println((double) (System.nanoTime() - begun) / ids.length);
    }
    System.exit(0);
  }
}
