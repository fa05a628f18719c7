// Through the vendor's Objective-C classes.
#import "V2TIMManager.h"

#include <stdio.h>
#include <unistd.h>

enum { CALLS = 2000, ROUNDS = 10 };
static volatile int told;

int main(int argc, char **argv) {
  @autoreleasepool {
    NSDictionary *environment = [[NSProcessInfo processInfo] environment];
    V2TIMSDKConfig *config = [[V2TIMSDKConfig alloc] init];
    config.storePath = [environment objectForKey:@"ADIEU_STORE"];
    V2TIMManager *manager = [V2TIMManager sharedInstance];
    V2TIMSucc succ = ^{
      __sync_add_and_fetch(&told, 1);
    };
    V2TIMFail fail = ^(int code, NSString *desc) {
      __sync_add_and_fetch(&told, 1);
    };
    [manager initSDK:[[environment objectForKey:@"ADIEU_APP_ID"] intValue] config:config];
    [manager login:[environment objectForKey:@"ADIEU_USER"]
           userSig:[environment objectForKey:@"ADIEU_USER_SIG"]
              succ:succ
              fail:fail];
    while (told < 1)
      usleep(20);
    double best = 1e18;
    for (int round = 0; round < ROUNDS; ++round) {
      told = 0;
      NSDate *begun = [NSDate date];
      for (int i = 0; i < CALLS; ++i) {
        @autoreleasepool {
          [manager
              deleteConversation:[NSString stringWithFormat:argc > 1 ? @"no id %d" : @"c2c_u%d", i]
                            succ:succ
                            fail:fail];
        }
      }
      while (told < CALLS)
        usleep(20);
      best = MIN(best, -[begun timeIntervalSinceNow] * 1e9 / CALLS);
    }
    printf("%.0f\n", best);
    [manager unInitSDK];
  }
  return 0;
}
