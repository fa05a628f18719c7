// Deletes one conversation for good.
//
//   ADIEU_USER_SIG=... delete_conversation STORE USER SERVER APP_ID CONVERSATION
#import "V2TIMManager.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  @autoreleasepool {
    if (argc != 6)
      return fprintf(stderr, "STORE USER SERVER APP_ID CONVERSATION\n"), 2;
    const char *sig = getenv("ADIEU_USER_SIG");
    NSString *user = [NSString stringWithUTF8String:argv[2]];
    NSString *conversation = [NSString stringWithUTF8String:argv[5]];
    V2TIMSDKConfig *config = [[V2TIMSDKConfig alloc] init];
    config.storePath = [NSString stringWithUTF8String:argv[1]];
    config.serverURL = [NSString stringWithUTF8String:argv[3]];

    V2TIMManager *manager = [V2TIMManager sharedInstance];
    NSConditionLock *state = [[NSConditionLock alloc] initWithCondition:0]; // then 1: done, 2: not
    V2TIMFail fail = ^(int code, NSString *desc) {
      NSLog(@"%d: %@", code, desc);
      [state lock];
      [state unlockWithCondition:2];
    };
    [manager initSDK:atoi(argv[4]) config:config];
    [manager login:user
           userSig:sig != NULL ? [NSString stringWithUTF8String:sig] : @""
              succ:^{
                [manager deleteConversation:conversation
                                       succ:^{
                                         [state lock];
                                         [state unlockWithCondition:1];
                                       }
                                       fail:fail];
              }
              fail:fail];
    while ([state condition] == 0)
      [NSThread sleepForTimeInterval:0.001];
    const BOOL done = [state condition] == 1;
    printf("%s: %s\n", argv[5], done ? "deleted for good" : "not deleted");
    [manager unInitSDK];
    return done ? 0 : 1;
  }
}
