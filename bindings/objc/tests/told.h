// What the tests share.
#import "V2TIMManager.h"

#include <Block.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int failures;

#define CHECK(CONDITION)                                                                           \
  do {                                                                                             \
    if (!(CONDITION)) {                                                                            \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #CONDITION);                              \
      ++failures;                                                                                  \
    }                                                                                              \
  } while (0)

/// How long a block that blocks does so: a fifth of a second, or what ADIEU_TEST_BLOCK_SECONDS says.
static inline useconds_t blocked(void) {
  const char *seconds = getenv("ADIEU_TEST_BLOCK_SECONDS");
  return seconds != NULL ? (useconds_t)atoi(seconds) * 1000000 : 200000;
}

/// Counts what is told, and remembers the last.
@interface Told : NSObject {
@public
  NSCondition *changed;
  int count, code;
  id value;
  V2TIMSucc succ;
  V2TIMFail fail;
}
- (void)tell:(int)told with:(id)object;
/// The code; -1000 when nothing came.
- (BOOL)wait:(int)wanted;
- (int)get;
- (V2TIMSucc)succ;
- (V2TIMFail)fail;
@end

@implementation Told
- (instancetype)init {
  if ((self = [super init]) != nil)
    changed = [[NSCondition alloc] init];
  __block Told *it = self; // not retained: it owns them
  succ = Block_copy(^{
    [it tell:0 with:nil];
  });
  fail = Block_copy(^(int failed, NSString *desc) {
    [it tell:failed with:desc];
  });
  return self;
}
- (void)tell:(int)told with:(id)object {
  [changed lock];
  code = told;
  [value release];
  value = [object retain];
  ++count;
  [changed broadcast];
  [changed unlock];
}
- (BOOL)wait:(int)wanted {
  NSDate *limit = [NSDate dateWithTimeIntervalSinceNow:60 + blocked() / 1e6];
  [changed lock];
  BOOL there = YES;
  while (count < wanted && there)
    there = [changed waitUntilDate:limit];
  there = count >= wanted;
  [changed unlock];
  return there;
}
- (int)get {
  return [self wait:1] ? code : -1000;
}
- (V2TIMSucc)succ {
  return succ;
}
- (V2TIMFail)fail {
  return fail;
}
- (void)dealloc {
  Block_release(succ);
  Block_release(fail);
  [changed release];
  [value release];
  [super dealloc];
}
@end

static inline Told *told(void) { return [[[Told alloc] init] autorelease]; }
static inline V2TIMManager *manager(void) { return [V2TIMManager sharedInstance]; }
static inline NSString *environment(const char *name) {
  return [NSString stringWithUTF8String:getenv(name)];
}

static inline BOOL init_sdk_with(V2TIMSDKConfig *config) {
  return [manager() initSDK:[environment("ADIEU_APP_ID") intValue] config:config];
}

static inline BOOL init_sdk(void) {
  V2TIMSDKConfig *config = [[[V2TIMSDKConfig alloc] init] autorelease];
  config.storePath = environment("ADIEU_STORE");
  return init_sdk_with(config);
}

static inline int log_in(void) {
  Told *it = told();
  [manager() login:environment("ADIEU_USER")
           userSig:environment("ADIEU_USER_SIG")
              succ:[it succ]
              fail:[it fail]];
  return [it get];
}

static inline NSUInteger listed(void) {
  Told *it = told();
  [manager() getConversationList:0
                           count:1000
                            succ:^(NSArray *list, uint64_t nextSeq, BOOL isFinished) {
                              (void)nextSeq;
                              [it tell:isFinished ? 0 : 1 with:list];
                            }
                            fail:[it fail]];
  return [it get] == 0 ? [it->value count] : 0;
}
