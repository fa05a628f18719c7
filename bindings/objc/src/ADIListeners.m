#import "ADICall.h"

@implementation ADIList

- (instancetype)init {
  if ((self = [super init]) != nil)
    _all = [[NSMutableArray alloc] init];
  return self;
}

- (void)add:(id)listener {
  @synchronized(self) {
    if (listener != nil && [_all indexOfObjectIdenticalTo:listener] == NSNotFound)
      [_all addObject:listener];
  }
}

- (void)remove:(id)listener {
  @synchronized(self) {
    [_all removeObjectIdenticalTo:listener];
  }
}

- (void)tell:(SEL)selector with:(void (^)(id listener))told {
  NSArray *all;
  @synchronized(self) {
    all = [NSArray arrayWithArray:_all];
  }
  for (id listener in all)
    if ([listener respondsToSelector:selector])
      ADIContain(^{
        told(listener);
      });
}

#if !__has_feature(objc_arc)
- (void)dealloc {
  [_all release];
  [super dealloc];
}
#endif
@end

@interface ADIListeners ()
- (void)hearSync:(const adieu_event *)event;
@end

@implementation ADIListeners

- (instancetype)init {
  if ((self = [super init]) != nil) {
    _conversations = [[ADIList alloc] init];
    _sdk = [[ADIList alloc] init];
  }
  return self;
}

- (void)hear:(const adieu_event *)event {
  NSArray *list = nil;
  if (event->conversation != NULL)
    list = [NSArray arrayWithObject:ADI_AUTORELEASE([[V2TIMConversation alloc]
                                        initWithConversation:event->conversation])];
  const uint64_t total = event->total_unread;
  switch (event->kind) {
  case ADIEU_EVENT_CONVERSATION_NEW:
    return [_conversations tell:@selector(onNewConversation:)
                           with:^(id it) {
                             [it onNewConversation:list];
                           }];
  case ADIEU_EVENT_CONVERSATION_CHANGED:
    return [_conversations tell:@selector(onConversationChanged:)
                           with:^(id it) {
                             [it onConversationChanged:list];
                           }];
  case ADIEU_EVENT_CONVERSATION_DELETED: {
    NSArray *ids = [NSArray arrayWithObject:ADIString(event->conversation_id)];
    return [_conversations tell:@selector(onConversationDeleted:)
                           with:^(id it) {
                             [it onConversationDeleted:ids];
                           }];
  }
  case ADIEU_EVENT_TOTAL_UNREAD_CHANGED:
    return [_conversations tell:@selector(onTotalUnreadMessageCountChanged:)
                           with:^(id it) {
                             [it onTotalUnreadMessageCountChanged:total];
                           }];
  case ADIEU_EVENT_SIGN_IN_NEEDED:
    return [_sdk tell:@selector(onUserSigExpired)
                 with:^(id it) {
                   [it onUserSigExpired];
                 }];
  case ADIEU_EVENT_SYNC_CHANGED:
    return [self hearSync:event];
  default: // pending deletions: the vendor has no word for them
    return;
  }
}

- (void)hearSync:(const adieu_event *)event {
  switch (event->sync_state) {
  case ADIEU_SYNC_STARTED:
    [_sdk tell:@selector(onConnecting)
          with:^(id it) {
            [it onConnecting];
          }];
    return [_conversations tell:@selector(onSyncServerStart)
                           with:^(id it) {
                             [it onSyncServerStart];
                           }];
  case ADIEU_SYNC_FINISHED:
    [_sdk tell:@selector(onConnectSuccess)
          with:^(id it) {
            [it onConnectSuccess];
          }];
    return [_conversations tell:@selector(onSyncServerFinish)
                           with:^(id it) {
                             [it onSyncServerFinish];
                           }];
  default: {
    const int code = ADINumber(event->code);
    NSString *desc = ADIString(event->desc);
    [_sdk tell:@selector(onConnectFailed:err:)
          with:^(id it) {
            [it onConnectFailed:code err:desc];
          }];
    return [_conversations tell:@selector(onSyncServerFailed)
                           with:^(id it) {
                             [it onSyncServerFailed];
                           }];
  }
  }
}

#if !__has_feature(objc_arc)
- (void)dealloc {
  [_conversations release];
  [_sdk release];
  [super dealloc];
}
#endif
@end

void ADIOnEvent(void *listeners, const adieu_event *event) {
  @autoreleasepool {
    [ADI_BORROW(ADIListeners, listeners) hear:event];
  }
}

void ADIForget(void *listeners) {
  @autoreleasepool {
    (void)ADI_TAKE(ADIListeners, listeners);
  }
}
