// The sample of the vendor's page for iOS and macOS, in the place where an app would have it.
#import "told.h"

static Told *said;

/// Hears what the sample logs.
static void heard(NSString *line) {
  [said tell:[line isEqualToString:@"success"] ? 0 : 1 with:line];
}
#define NSLog(...) heard([NSString stringWithFormat:__VA_ARGS__])

static void run(void) {
#include SAMPLE
}

int main(void) {
  @autoreleasepool {
    said = told();
    CHECK(init_sdk() && log_in() == 0);
    const NSUInteger before = listed();
    run();
    CHECK([said get] == 0);
    CHECK(listed() == before - 1);
    [manager() unInitSDK];
  }
  return failures == 0 ? 0 : 1;
}
