import com.tencent.imsdk.v2.V2TIMManager;
import java.util.concurrent.TimeUnit;

/** Runs the sample of the vendor's page for Android, which the test has put into Sample.java. */
public final class SampleTest {
  public static void main(String[] arguments) throws Exception {
    if (!Tests.init() || Tests.login() != 0) throw new IllegalStateException("not logged in");
    int before = Tests.listed();
    Sample.run();
    String said = android.util.Log.SAID.poll(60, TimeUnit.SECONDS);
    if (!"success".equals(said)) throw new IllegalStateException("the sample said " + said);
    Tests.check(Tests.listed() == before - 1, "one less");
    V2TIMManager.getInstance().unInitSDK();
    System.exit(Tests.failures == 0 ? 0 : 1);
  }
}
