import com.tencent.imsdk.v2.V2TIMCallback;
import com.tencent.imsdk.v2.V2TIMManager;
import com.tencent.imsdk.v2.V2TIMSDKConfig;
import java.util.concurrent.atomic.AtomicInteger;

/** Through the vendor's Java classes. */
public final class Overhead {
  private static final int CALLS = 2000;
  private static final int ROUNDS = 10;
  private static final AtomicInteger TOLD = new AtomicInteger();

  private static void waitFor(int count) throws InterruptedException {
    while (TOLD.get() < count) Thread.sleep(0, 20000);
  }

  public static void main(String[] arguments) throws InterruptedException {
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
    manager.initSDK(null, Integer.parseInt(System.getenv("ADIEU_APP_ID")), config);
    manager.login(System.getenv("ADIEU_USER"), System.getenv("ADIEU_USER_SIG"), callback);
    waitFor(1);
    String prefix = arguments.length > 0 ? "no id " : "c2c_u";
    double best = Double.MAX_VALUE;
    for (int round = 0; round < ROUNDS; round++) {
      TOLD.set(0);
      long begun = System.nanoTime();
      for (int i = 0; i < CALLS; i++)
        V2TIMManager.getConversationManager().deleteConversation(prefix + i, callback);
      waitFor(CALLS);
      best = Math.min(best, (double) (System.nanoTime() - begun) / CALLS);
    }
    System.out.printf("%.0f%n", best);
    System.exit(0);
  }
}
