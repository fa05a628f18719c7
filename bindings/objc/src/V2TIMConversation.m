#import "ADICall.h"

static NSString *const kC2C = @"c2c_";
static NSString *const kGroup = @"group_";

@implementation V2TIMSDKConfig
@synthesize serverURL = _serverURL, storePath = _storePath, caCertificates = _caCertificates;
#if !__has_feature(objc_arc)
- (void)dealloc {
  [_serverURL release];
  [_storePath release];
  [_caCertificates release];
  [super dealloc];
}
#endif
@end

@interface V2TIMMessage ()
- (instancetype)initWithMessage:(const adieu_message *)it;
@end

@implementation V2TIMMessage
@synthesize sender = _sender, timestamp = _timestamp, seq = _seq, text = _text;

- (instancetype)initWithMessage:(const adieu_message *)it {
  if ((self = [super init]) != nil) {
    _sender = [ADIString(it->sender) copy];
    _timestamp = [[NSDate alloc] initWithTimeIntervalSince1970:(NSTimeInterval)it->time];
    _seq = it->position;
    _text = [ADIString(it->text) copy];
  }
  return self;
}

#if !__has_feature(objc_arc)
- (void)dealloc {
  [_sender release];
  [_timestamp release];
  [_text release];
  [super dealloc];
}
#endif
@end

@implementation V2TIMConversation
@synthesize conversationID = _conversationID, unreadCount = _unreadCount, draftText = _draftText,
            isPinned = _isPinned, lastMessage = _lastMessage, orderKey = _orderKey;

- (instancetype)initWithConversation:(const adieu_conversation *)it {
  if ((self = [super init]) != nil) {
    const adieu_message *last = it->last_message;
    _conversationID = [ADIString(it->conversation_id) copy];
    _title = [ADIString(it->title) copy];
    _draftText = [ADIString(it->draft) copy];
    _unreadCount = it->unread_count < INT_MAX ? (int)it->unread_count : INT_MAX;
    _isPinned = it->pinned != 0;
    _marks = it->marks;
    _orderKey = (uint64_t)(it->pinned != 0) << 62;
    if (last != NULL) {
      _lastMessage = [[V2TIMMessage alloc] initWithMessage:last];
      _orderKey |= (last->time & 0x3ffffffffff) << 20 | (last->position & 0xfffff);
    }
  }
  return self;
}

- (V2TIMConversationType)type {
  if ([_conversationID hasPrefix:kC2C])
    return V2TIM_C2C;
  return [_conversationID hasPrefix:kGroup] ? V2TIM_GROUP : V2TIM_UNKNOWN;
}
- (NSString *)userID {
  return self.type == V2TIM_C2C ? [_conversationID substringFromIndex:[kC2C length]] : nil;
}
- (NSString *)groupID {
  return self.type == V2TIM_GROUP ? [_conversationID substringFromIndex:[kGroup length]] : nil;
}
- (NSArray *)markList {
  NSMutableArray *list = [NSMutableArray array];
  for (uint64_t mark = 1; mark != 0; mark <<= 1)
    if ((_marks & mark) != 0)
      [list addObject:[NSNumber numberWithUnsignedLongLong:mark]];
  return list;
}
- (uint64_t)marks {
  return _marks;
}
- (NSString *)showName {
  return self.type == V2TIM_C2C ? self.userID : _title;
}

#if !__has_feature(objc_arc)
- (void)dealloc {
  [_conversationID release];
  [_title release];
  [_draftText release];
  [_lastMessage release];
  [super dealloc];
}
#endif
@end

@implementation V2TIMConversationListFilter
@synthesize type = _type, markType = _markType, hasUnreadCount = _hasUnreadCount,
            conversationGroup = _conversationGroup;

- (BOOL)passes:(V2TIMConversation *)it {
  return (_type == V2TIM_UNKNOWN || _type == it.type) &&
         (_markType == 0 || (_markType & [it marks]) != 0) &&
         (!_hasUnreadCount || it.unreadCount > 0);
}

#if !__has_feature(objc_arc)
- (void)dealloc {
  [_conversationGroup release];
  [super dealloc];
}
#endif
@end

@implementation V2TIMConversationOperationResult
@synthesize conversationID = _conversationID, resultCode = _resultCode, resultInfo = _resultInfo;

- (instancetype)initWithResult:(const adieu_deletion_result *)it {
  if ((self = [super init]) != nil) {
    _conversationID = [ADIString(it->conversation_id) copy];
    _resultCode = ADINumber(it->code);
    _resultInfo = [ADIString(it->desc) copy];
  }
  return self;
}

#if !__has_feature(objc_arc)
- (void)dealloc {
  [_conversationID release];
  [_resultInfo release];
  [super dealloc];
}
#endif
@end
