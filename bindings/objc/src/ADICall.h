// One call under way, and what goes between C and Objective-C. Compiles with ARC and without.
#import "V2TIMManager.h"

#include <Block.h>
#include <adieu.h>

#if __has_feature(objc_arc)
#define ADI_RETAINED(OBJECT) (__bridge_retained void *)(OBJECT)
#define ADI_TAKE(CLASS, POINTER) (__bridge_transfer CLASS *)(POINTER)
#define ADI_BORROW(CLASS, POINTER) (__bridge CLASS *)(POINTER)
#define ADI_AUTORELEASE(OBJECT) (OBJECT)
#define ADI_COPY_BLOCK(BLOCK) [(BLOCK) copy]
#else
#define ADI_RETAINED(OBJECT) (void *)[(OBJECT) retain]
#define ADI_TAKE(CLASS, POINTER) [(CLASS *)(POINTER)autorelease]
#define ADI_BORROW(CLASS, POINTER) ((CLASS *)(POINTER))
#define ADI_AUTORELEASE(OBJECT) [(OBJECT) autorelease]
// GCC's run-time library does not know a block as an object.
#define ADI_COPY_BLOCK(BLOCK) Block_copy(BLOCK)
#endif

/// The one place where what the library says becomes a number of the vendor's.
int ADINumber(int32_t code);
/// Whether a login may pass over it: the device shows what it has, and connects later.
BOOL ADIIsNetwork(int32_t code);
NSString *ADIString(const char *text);
/// For the library. A NUL becomes U+0001, which no id may hold, so that no id is taken for a shorter
/// one. NULL for nil; valid as long as the pool.
const char *ADIText(NSString *text);
/// The same for an id, which is nearly always short and plain: in the buffer then, and no object is
/// made. Valid as long as the buffer and the pool.
#define ADI_ID_SIZE 64
const char *ADIShortText(NSString *text, char *buffer);
/// Within one expression or block.
#define ADI_ID(TEXT) ADIShortText((TEXT), (char[ADI_ID_SIZE]){0})
/// Runs code of the app: an exception is logged and goes no further.
void ADIContain(void (^told)(void));
void ADITellFailure(V2TIMFail fail, int code, NSString *desc);

/// What waits for an outcome. The library holds one reference until the callback.
@interface ADICall : NSObject {
@public
  /// One of the two: for a call without a value, and for one with.
  V2TIMSucc _succ;
  void (^_value)(NSArray *value);
  V2TIMFail _fail;
}
+ (instancetype)callWithSucc:(V2TIMSucc)succ fail:(V2TIMFail)fail;
+ (instancetype)callWithValue:(void (^)(NSArray *value))value fail:(V2TIMFail)fail;
/// Ends a call that was refused, whose reference is given back.
- (void)refuse:(int32_t)code;
@end

/// The callbacks, whose user_data is a retained ADICall.
void ADIOnSuccess(void *call);
void ADIOnError(void *call, int32_t code, const char *desc);
void ADIOnConversations(void *call, const adieu_conversation *const *list, size_t count);
void ADIOnResults(void *call, const adieu_deletion_result *const *results, size_t count);

@interface V2TIMConversation ()
- (instancetype)initWithConversation:(const adieu_conversation *)it;
- (uint64_t)marks;
@end

@interface V2TIMConversationOperationResult ()
- (instancetype)initWithResult:(const adieu_deletion_result *)it;
@end

@interface V2TIMConversationListFilter ()
- (BOOL)passes:(V2TIMConversation *)conversation;
@end

/// Listeners of one kind. They are told without the lock.
@interface ADIList : NSObject {
  NSMutableArray *_all;
}
- (void)add:(id)listener;
- (void)remove:(id)listener;
- (void)tell:(SEL)selector with:(void (^)(id listener))told;
@end

/// Listeners and the client live and die apart: this one is the library's until its last event.
@interface ADIListeners : NSObject {
@public
  ADIList *_conversations, *_sdk;
}
- (void)hear:(const adieu_event *)event;
@end

/// The library's listener, whose user_data is a retained ADIListeners.
void ADIOnEvent(void *listeners, const adieu_event *event);
void ADIForget(void *listeners);

/// For the categories.
@interface V2TIMManager ()
- (ADIListeners *)listeners;
/// Hands the client to `start`, with a reference to `call` for the callback.
- (void)call:(ADICall *)call with:(int32_t (^)(adieu_client *client, void *data))start;
@end
