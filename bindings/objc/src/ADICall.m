#import "ADICall.h"

int ADINumber(int32_t code) {
  switch (code) {
  case ADIEU_ERR_INVALID_HANDLE:
  case ADIEU_ERR_CLOSED:
    return 6014; // not logged in (any more)
  case ADIEU_ERR_INVALID_ARGUMENT:
  case ADIEU_ERR_NOT_FOUND:
    return 6017; // invalid parameter
  case ADIEU_ERR_STORE_LOCKED:
  case ADIEU_ERR_STORE_NEWER:
  case ADIEU_ERR_STORE_DAMAGED:
  case ADIEU_ERR_STORE_PATH:
  case ADIEU_ERR_MASTER_KEY:
    return 6005; // the local database cannot be loaded
  case ADIEU_ERR_OUTCOME_UNKNOWN:
    return 9520; // sent, and no answer came
  default:
    return code;
  }
}

BOOL ADIIsNetwork(int32_t code) {
  return code == 6012 || code == ADIEU_ERR_OUTCOME_UNKNOWN || (code >= 9500 && code < 9600);
}

NSString *ADIString(const char *text) {
  NSString *string = text != NULL ? [NSString stringWithUTF8String:text] : nil;
  return string != nil ? string : @"";
}

const char *ADIText(NSString *text) {
  static const unichar nul[] = {0}, replaced[] = {1};
  const char *utf8 = [text UTF8String];
  // Nearly always: nothing to replace, and no copy.
  if (utf8 == NULL || strlen(utf8) == [text lengthOfBytesUsingEncoding:NSUTF8StringEncoding])
    return utf8;
  return [[text stringByReplacingOccurrencesOfString:[NSString stringWithCharacters:nul length:1]
                                          withString:[NSString stringWithCharacters:replaced
                                                                             length:1]] UTF8String];
}

const char *ADIShortText(NSString *text, char *buffer) {
  NSUInteger size = 0;
  if (text == nil || ![text getCString:buffer maxLength:ADI_ID_SIZE encoding:NSUTF8StringEncoding])
    return ADIText(text);
  while (buffer[size] > 0) // to the end, or to what is not ASCII
    ++size;
  return buffer[size] == '\0' && size == [text length] ? buffer : ADIText(text);
}

void ADIContain(void (^told)(void)) {
  @try {
    told();
  } @catch (NSException *exception) {
    NSLog(@"adieu: an exception left a block: %@", [exception reason]);
  }
}

void ADITellFailure(V2TIMFail fail, int code, NSString *desc) {
  if (fail != nil)
    ADIContain(^{
      fail(code, desc);
    });
}

@implementation ADICall

+ (instancetype)callWithSucc:(V2TIMSucc)succ fail:(V2TIMFail)fail {
  ADICall *call = [self callWithValue:nil fail:fail];
  call->_succ = succ != nil ? ADI_COPY_BLOCK(succ) : NULL;
  return call;
}

+ (instancetype)callWithValue:(void (^)(NSArray *value))value fail:(V2TIMFail)fail {
  ADICall *call = ADI_AUTORELEASE([[ADICall alloc] init]);
  call->_value = value != nil ? ADI_COPY_BLOCK(value) : NULL;
  call->_fail = fail != nil ? ADI_COPY_BLOCK(fail) : NULL;
  return call;
}

- (void)refuse:(int32_t)code {
  ADITellFailure(_fail, ADINumber(code), ADIString(adieu_strerror(code)));
}

#if !__has_feature(objc_arc)
- (void)dealloc {
  if (_succ != nil)
    Block_release(_succ);
  if (_value != nil)
    Block_release(_value);
  if (_fail != nil)
    Block_release(_fail);
  [super dealloc];
}
#endif

@end

/// Ends a call with a value: its block is called, and the library's reference goes.
static void done(void *data, NSArray *value) {
  ADICall *call = ADI_TAKE(ADICall, data);
  void (^told)(NSArray *) = call->_value;
  if (told != nil)
    ADIContain(^{
      told(value);
    });
}

void ADIOnSuccess(void *data) {
  @autoreleasepool {
    ADICall *call = ADI_TAKE(ADICall, data);
    if (call->_succ != nil)
      ADIContain(call->_succ);
  }
}

void ADIOnError(void *data, int32_t code, const char *desc) {
  @autoreleasepool {
    ADICall *call = ADI_TAKE(ADICall, data);
    ADITellFailure(call->_fail, ADINumber(code), ADIString(desc));
  }
}

void ADIOnConversations(void *data, const adieu_conversation *const *list, size_t count) {
  @autoreleasepool {
    NSMutableArray *array = [NSMutableArray arrayWithCapacity:count];
    for (size_t i = 0; i < count; ++i)
      [array addObject:ADI_AUTORELEASE([[V2TIMConversation alloc] initWithConversation:list[i]])];
    done(data, array);
  }
}

void ADIOnResults(void *data, const adieu_deletion_result *const *results, size_t count) {
  @autoreleasepool {
    NSMutableArray *array = [NSMutableArray arrayWithCapacity:count];
    for (size_t i = 0; i < count; ++i)
      [array addObject:ADI_AUTORELEASE(
                           [[V2TIMConversationOperationResult alloc] initWithResult:results[i]])];
    done(data, array);
  }
}
