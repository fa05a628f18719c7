import com.tencent.imsdk.v2.V2TIMCallback;
import com.tencent.imsdk.v2.V2TIMManager;
import com.tencent.imsdk.v2.V2TIMSDKConfig;
import java.util.concurrent.CompletableFuture;

/**
 * Deletes one conversation for good.
 *
 * <pre>ADIEU_USER_SIG=... java DeleteConversation STORE USER SERVER APP_ID CONVERSATION</pre>
 */
public final class DeleteConversation {
  private static V2TIMCallback to(CompletableFuture<Void> future) {
    return new V2TIMCallback() {
      @Override
      public void onSuccess() {
        future.complete(null);
      }

      @Override
      public void onError(int code, String desc) {
        future.completeExceptionally(new IllegalStateException(code + ": " + desc));
      }
    };
  }

  public static void main(String[] arguments) {
    V2TIMSDKConfig config = new V2TIMSDKConfig();
    config.setStorePath(arguments[0]);
    config.setServerUrl(arguments[2]);
    V2TIMManager manager = V2TIMManager.getInstance();
    manager.initSDK(null, Integer.parseInt(arguments[3]), config);

    CompletableFuture<Void> login = new CompletableFuture<>();
    manager.login(arguments[1], System.getenv("ADIEU_USER_SIG"), to(login));
    login.join();

    CompletableFuture<Void> deleted = new CompletableFuture<>();
    V2TIMManager.getConversationManager().deleteConversation(arguments[4], to(deleted));
    deleted.join();
    System.out.println(arguments[4] + ": deleted for good");
    manager.unInitSDK();
  }
}
