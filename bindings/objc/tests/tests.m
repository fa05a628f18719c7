// The vendor's classes against a real server, which has for ADIEU_USER: c2c_bob, c2c_carol,
// c2c_Example, group_team.
#import "told.h"

#include <malloc.h>

static int deleting(NSString *conversationID) {
  Told *it = told();
  [manager() deleteConversation:conversationID succ:[it succ] fail:[it fail]];
  return [it get];
}

/// A server whose authority nobody else knows is spoken to by who was told of it.
static void authorities(void) {
  if (getenv("ADIEU_TLS_URL") == NULL)
    return; // under valgrind
  NSString *trusted = [NSString stringWithContentsOfFile:environment("ADIEU_CA_CERTIFICATES")
                                                encoding:NSUTF8StringEncoding
                                                   error:NULL];
  const struct {
    NSString *pem;
    int code;
    NSUInteger listed;
  } cases[] = {
      {@"no certificate", 6017, 0},
      {nil, 0, 0}, // as without a network: what the device has
      {trusted, 0, 4},
  };
  for (int i = 0; i < 3; ++i) {
    V2TIMSDKConfig *config = [[[V2TIMSDKConfig alloc] init] autorelease];
    config.storePath = [environment("ADIEU_STORE") stringByAppendingFormat:@"/%d", i];
    config.serverURL = environment("ADIEU_TLS_URL");
    config.caCertificates = cases[i].pem;
    CHECK(init_sdk_with(config) && log_in() == cases[i].code);
    CHECK(cases[i].code != 0 || listed() == cases[i].listed);
    [manager() unInitSDK];
  }
}

static void before_a_login(void) {
  CHECK(deleting(@"c2c_bob") == 6013);
  [manager() deleteConversation:@"c2c_bob" succ:nil fail:nil];
  CHECK(init_sdk() && !init_sdk());
  CHECK(deleting(@"c2c_bob") == 6014);
  CHECK([manager() getLoginUser] == nil);
  Told *empty = told(), *nonsense = told(), *another = told(), *nobody = told();
  [manager() login:@"alice" userSig:@"" succ:[empty succ] fail:[empty fail]];
  CHECK([empty get] == 70002);
  [manager() login:@"alice" userSig:@"nonsense" succ:[nonsense succ] fail:[nonsense fail]];
  CHECK([nonsense get] == 70003);
  [manager() logout:[nobody succ] fail:[nobody fail]];
  CHECK([nobody get] == 6014);
  CHECK(log_in() == 0 && log_in() == 0);
  CHECK([[manager() getLoginUser] isEqualToString:environment("ADIEU_USER")]);
  [manager() login:@"eve" userSig:@"sig" succ:[another succ] fail:[another fail]];
  CHECK([another get] == 7014);
}

static V2TIMConversation *conversation(NSString *conversationID) {
  Told *it = told();
  [manager() getConversation:conversationID
                        succ:^(V2TIMConversation *found) {
                          [it tell:0 with:found];
                        }
                        fail:[it fail]];
  return [it get] == 0 ? [[it->value retain] autorelease] : nil;
}

static void the_list(void) {
  CHECK(listed() == 4);
  V2TIMConversation *bob = conversation(@"c2c_bob");
  CHECK(bob.type == V2TIM_C2C && [bob.userID isEqualToString:@"bob"] && bob.groupID == nil);
  CHECK([bob.lastMessage.text isEqualToString:@"message 3 of c2c_bob"]);
  CHECK(conversation(@"c2c_nobody") == nil);
  Told *page = told(), *some = told(), *pin = told(), *draft = told(), *read = told();
  [manager() getConversationList:3
                           count:3
                            succ:^(NSArray *list, uint64_t nextSeq, BOOL isFinished) {
                              [page tell:isFinished && nextSeq == 0 ? 0 : 1 with:list];
                            }
                            fail:nil];
  CHECK([page get] == 0 && [page->value count] == 1);
  [manager() getConversationList:[NSArray arrayWithObjects:@"c2c_carol", @"c2c_no", nil]
                            succ:^(NSArray *list) {
                              [some tell:0 with:list];
                            }
                            fail:nil];
  CHECK([some get] == 0 && [some->value count] == 1);
  [manager() pinConversation:@"group_team" isPinned:YES succ:[pin succ] fail:[pin fail]];
  NSString *text = [NSString stringWithUTF8String:"Gr\u00fc\u00dfe \U0001F44B"];
  [manager() setConversationDraft:@"group_team" draftText:text succ:[draft succ] fail:[draft fail]];
  [manager() cleanConversationUnreadMessageCount:@"c2c_bob"
                                  cleanTimestamp:0
                                   cleanSequence:0
                                            succ:[read succ]
                                            fail:[read fail]];
  CHECK([pin get] == 0 && [draft get] == 0 && [read get] == 0);
  V2TIMConversation *team = conversation(@"group_team");
  CHECK(team.isPinned && [team.draftText isEqualToString:text] && team.type == V2TIM_GROUP);
  Told *unread = told();
  [manager()
      getTotalUnreadMessageCount:^(uint64_t total) {
        [unread tell:total > 0 ? 0 : 1 with:nil];
      }
                            fail:[unread fail]];
  CHECK([unread get] == 0);
}

/// The page of a filter; its length, or the negative of an error.
static int filtered(V2TIMConversationListFilter *filter) {
  Told *it = told();
  [manager() getConversationListByFilter:filter
                                 nextSeq:0
                                   count:10
                                    succ:^(NSArray *list, uint64_t nextSeq, BOOL isFinished) {
                                      [it tell:isFinished && nextSeq == 0 ? 0 : 1 with:list];
                                    }
                                    fail:[it fail]];
  return [it get] == 0 ? (int)[it->value count] : -it->code;
}

static void filters(void) {
  V2TIMConversationListFilter *filter = [[[V2TIMConversationListFilter alloc] init] autorelease];
  CHECK(filtered(nil) == 4 && filtered(filter) == 4);
  filter.type = V2TIM_GROUP;
  CHECK(filtered(filter) == 1);
  filter.markType = 4;
  CHECK(filtered(filter) == 0);
  filter.type = V2TIM_UNKNOWN;
  filter.markType = 0;
  filter.hasUnreadCount = YES; // all but the one that was read
  CHECK(filtered(filter) == 3);
  filter.conversationGroup = @"folder";
  CHECK(filtered(filter) == -7013);
}

static void bad_input(void) {
  const unichar with_nul[] = {'c', '2', 'c', '_', 'b', 'o', 'b', 0, 'x'};
  CHECK(deleting(nil) == 6017 && deleting(@"") == 6017 && deleting(@"conversationID") == 6017);
  CHECK(deleting([NSString stringWithUTF8String:"c2c_\U0001F44B"]) == 6017);
  CHECK(deleting([NSString stringWithCharacters:with_nul length:9]) == 6017);
  Told *folder = told();
  [manager() deleteConversationGroup:@"c2c_bob" succ:[folder succ] fail:[folder fail]];
  CHECK([folder get] == 7013 && listed() == 4);
}

@interface Listener : NSObject <V2TIMConversationListener> {
@public
  Told *deleted;
}
@end

@implementation Listener
- (void)onConversationDeleted:(NSArray *)conversationIDList {
  [deleted tell:0 with:[conversationIDList objectAtIndex:0]];
  [NSException raise:@"thrown" format:@"thrown by a listener"];
}
@end

@interface Line : NSObject <V2TIMSDKListener> {
@public
  Told *connecting, *connected, *failed, *expired;
}
@end

@implementation Line
- (void)onConnecting {
  [connecting tell:0 with:nil];
}
- (void)onConnectSuccess {
  [connected tell:0 with:nil];
  [NSException raise:@"thrown" format:@"thrown by a listener"];
}
- (void)onConnectFailed:(int)code err:(NSString *)err {
  [failed tell:code with:err];
}
- (void)onUserSigExpired {
  [expired tell:0 with:nil];
}
@end

/// What becomes of the line, from a login to the end of its credential.
static void the_line(void) {
  Line *line = [[[Line alloc] init] autorelease];
  line->connecting = told(), line->connected = told(), line->failed = told(), line->expired = told();
  [manager() addIMSDKListener:line];
  CHECK(init_sdk() && log_in() == 0);
  CHECK([line->connecting get] == 0 && [line->connected get] == 0);
  CHECK(line->failed->count == 0 && line->expired->count == 0);
  Told *refused = told();
  [manager() login:environment("ADIEU_USER")
           userSig:@"nonsense"
              succ:[refused succ]
              fail:[refused fail]];
  CHECK([refused get] == 70003);
  CHECK([line->failed get] == 70003 && [line->expired get] == 0);
  [manager() removeIMSDKListener:line];
  const int before = line->connecting->count;
  CHECK(log_in() == 0 && line->connecting->count == before);
  [manager() unInitSDK];
}

static void deletions(void) {
  Listener *listener = [[[Listener alloc] init] autorelease];
  listener->deleted = told();
  [manager() addConversationListener:listener];
  CHECK(deleting(@"c2c_bob") == 0);
  CHECK([listener->deleted get] == 0 && [listener->deleted->value isEqualToString:@"c2c_bob"]);
  [manager() removeConversationListener:listener];
  Told *list = told(), *cleared = told();
  [manager() deleteConversationList:[NSArray arrayWithObjects:@"c2c_carol", @"carol", nil]
                       clearMessage:YES
                               succ:^(NSArray *results) {
                                 [list tell:[[results objectAtIndex:1] resultCode] with:results];
                               }
                               fail:[list fail]];
  CHECK([list get] == 6017 && [[list->value objectAtIndex:0] resultCode] == 0);
  [manager() clearGroupHistoryMessage:@"team" succ:[cleared succ] fail:[cleared fail]];
  CHECK([cleared get] == 0 && listed() == 2 && conversation(@"group_team").lastMessage == nil);
}

static void blocks_that_misbehave(void) {
  Told *thrown = told(), *behind = told(), *entered = told(), *released = told();
  [manager() deleteConversation:@"c2c_nobody"
                           succ:^{
                             [thrown tell:0 with:nil];
                             [NSException raise:@"thrown" format:@"thrown by a block"];
                           }
                           fail:nil];
  CHECK([thrown get] == 0 && deleting(@"c2c_nobody") == 0);
  // While one blocks, callers do not.
  [manager() pinConversation:@"c2c_bob"
                    isPinned:YES
                        succ:^{
                          [entered tell:0 with:nil];
                          [released get];
                        }
                        fail:nil];
  CHECK([entered get] == 0);
  [manager() deleteConversation:@"c2c_nobody" succ:[behind succ] fail:[behind fail]];
  usleep(blocked());
  CHECK(behind->count == 0);
  [released tell:0 with:nil];
  CHECK([behind get] == 0);
}

/// One outcome each, also when the end comes in between.
static void many(int count, BOOL end) {
  @autoreleasepool {
    Told *all = told();
    for (int i = 0; i < count; ++i) {
      @autoreleasepool {
        [manager() pinConversation:@"no id" isPinned:YES succ:[all succ] fail:[all fail]];
      }
    }
    if (end)
      [manager() unInitSDK];
    CHECK([all wait:count]);
    usleep(100000);
    CHECK(all->count == count);
  }
}

static int32_t freed;

/// Captured by a block: says when the block is gone.
@interface Captured : NSObject
@end

@implementation Captured
- (void)dealloc {
  __sync_add_and_fetch(&freed, 1);
  [super dealloc];
}
@end

/// What blocks capture goes with them, on every path: success, failure, a refused call.
static void nothing_leaks(int count) {
  for (int i = 0; i < count; ++i) {
    @autoreleasepool {
      Captured *captured = [[[Captured alloc] init] autorelease];
      NSString *id = i % 2 == 0 ? @"c2c_nobody" : @"no id";
      [manager() pinConversation:id
          isPinned:NO
          succ:^{
            [captured self];
          }
          fail:^(int code, NSString *desc) {
            (void)code, (void)desc;
            [captured self];
          }];
    }
  }
  for (int waited = 0; waited < 6000 && freed < count; ++waited)
    usleep(10000);
  CHECK(freed == count);
  freed = 0;
}

/// Nor does anything else of ten thousand calls stay, as malloc counts.
static void nothing_grows(void) {
  nothing_leaks(10000);
  nothing_leaks(10000);
  const size_t before = mallinfo2().uordblks;
  for (int round = 0; round < 5; ++round)
    nothing_leaks(10000);
  const size_t after = mallinfo2().uordblks;
  CHECK(after < before + 500000);
}

int main(void) {
  @autoreleasepool {
    nothing_leaks(10); // refused: not initialised
    authorities();
    the_line();
    before_a_login();
    the_list();
    filters();
    bad_input();
    blocks_that_misbehave();
    deletions();
    nothing_grows();
    many(10000, NO);
    Told *out = told(), *ended = told();
    [manager() logout:[out succ] fail:[out fail]];
    CHECK([out get] == 0 && log_in() == 0);
    many(1000, YES);
    CHECK(init_sdk() && log_in() == 0);
    // Ended from a block; afterwards the store is free.
    [manager() pinConversation:@"group_team"
                      isPinned:NO
                          succ:^{
                            [manager() unInitSDK];
                            [ended tell:0 with:nil];
                          }
                          fail:nil];
    CHECK([ended get] == 0 && init_sdk());
    int code;
    while ((code = log_in()) == 6005)
      usleep(1000);
    CHECK(code == 0);
    [manager() unInitSDK];
  }
  printf("%d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
