// Through the vendor's Objective-C classes: reads a kind and a number of calls, and prints nanoseconds
// per call.
#import "V2TIMManager.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static volatile int told;

int main(void) {
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
    char kind[16];
    int calls;
    while (scanf("%15s %d", kind, &calls) == 2) {
      @autoreleasepool {
        const BOOL pinning = strcmp(kind, "pin") == 0, refused = strcmp(kind, "refused") == 0;
        NSMutableArray *ids = [NSMutableArray array];
        for (int i = 0; i < calls; ++i)
          [ids addObject:[NSString stringWithFormat:refused ? @"no id %d" : @"c2c_u%d", i]];
        told = 0;
        NSDate *begun = [NSDate date];
        for (NSString *id in ids) {
          @autoreleasepool {
            if (pinning)
              [manager pinConversation:id isPinned:YES succ:succ fail:fail];
            else
              [manager deleteConversation:id succ:succ fail:fail];
          }
        }
        while (told < calls)
          usleep(20);
        printf("%.1f\n", -[begun timeIntervalSinceNow] * 1e9 / calls);
        fflush(stdout);
      }
    }
    [manager unInitSDK];
  }
  return 0;
}
