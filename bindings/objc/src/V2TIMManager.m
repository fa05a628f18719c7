#import "ADICall.h"

@interface V2TIMManager ()
- (adieu_client *)forgetClient;
- (void)pull:(adieu_client *)client for:(ADICall *)login;
- (void)drop:(adieu_client *)client telling:(V2TIMFail)fail code:(int)code desc:(NSString *)desc;
@end

/// A user's folder: no two users meet on a file system that ignores case.
static NSString *folder_of(NSString *user) {
  NSMutableString *name = [NSMutableString string];
  for (const char *it = ADIText(user); it != NULL && *it != '\0'; ++it) {
    if ((*it >= 'a' && *it <= 'z') || (*it >= '0' && *it <= '9') || *it == '-' || *it == '_')
      [name appendFormat:@"%c", *it];
    else
      [name appendFormat:@"%%%02x", (unsigned char)*it];
  }
  return name;
}

static NSString *default_folder(void) {
  NSArray *folders =
      NSSearchPathForDirectoriesInDomains(NSApplicationSupportDirectory, NSUserDomainMask, YES);
  return [folders count] > 0 ? [folders objectAtIndex:0] : @".";
}

@implementation V2TIMManager

static V2TIMManager *shared;

/// Once, before the first message to the class: no lock is needed afterwards.
+ (void)initialize {
  if (self == [V2TIMManager class])
    shared = [[V2TIMManager alloc] init];
}

+ (instancetype)sharedInstance {
  return shared;
}

- (instancetype)init {
  if ((self = [super init]) != nil) {
    _changed = [[NSCondition alloc] init];
    _listeners = [[ADIListeners alloc] init];
  }
  return self;
}

- (BOOL)initSDK:(int)sdkAppID config:(V2TIMSDKConfig *)config {
  NSString *server = config.serverURL, *path = config.storePath;
  NSString *authorities = config.caCertificates;
  if (server == nil)
    server = [[[NSProcessInfo processInfo] environment] objectForKey:@"ADIEU_SERVER_URL"];
  [_changed lock];
  const BOOL done = !_initialised && [server length] > 0;
  if (done) {
#if !__has_feature(objc_arc)
    [_server release];
    [_path release];
    [_authorities release];
#endif
    _server = [server copy];
    _path = [path != nil ? path : default_folder() copy];
    _authorities = [authorities copy];
    _appID = (uint64_t)sdkAppID;
    _initialised = YES;
  }
  [_changed unlock];
  return done;
}

- (void)unInitSDK {
  [_changed lock];
  _initialised = NO;
  // One that opens a store just now finds that nobody waits for it, and closes it.
  while (_opening && _opener != [NSThread currentThread])
    [_changed wait];
  adieu_client *client = [self forgetClient];
  [_changed unlock];
  if (client != NULL)
    adieu_client_close(client);
}

/// With the lock: nobody is logged in afterwards.
- (adieu_client *)forgetClient {
  adieu_client *client = _client;
  _client = NULL;
#if !__has_feature(objc_arc)
  [_user release];
#endif
  _user = nil;
  return client;
}

- (void)addIMSDKListener:(id<V2TIMSDKListener>)listener {
  [_listeners->_sdk add:listener];
}

- (void)removeIMSDKListener:(id<V2TIMSDKListener>)listener {
  [_listeners->_sdk remove:listener];
}

- (NSString *)getVersion {
  return ADIString(adieu_version());
}

- (NSString *)getLoginUser {
  [_changed lock];
  NSString *user = ADI_AUTORELEASE([_user copy]);
  [_changed unlock];
  return user;
}

- (void)login:(NSString *)userID userSig:(NSString *)userSig succ:(V2TIMSucc)succ fail:(V2TIMFail)fail {
  ADICall *login = [ADICall callWithSucc:succ fail:fail];
  [_changed lock];
  int code = !_initialised                                                ? 6013
             : _opening                                                   ? 7501
             : _client != NULL && ![_user isEqualToString:userID ?: @""] ? 7014
             : [userSig length] == 0                                      ? 70002
                                                                          : 0;
  adieu_client *client = _client;
  if (code == 0 && client == NULL)
    _opening = YES;
  [_changed unlock];
  if (code != 0)
    return ADITellFailure(fail, code, code == 6013    ? @"not initialised"
                                      : code == 7501  ? @"a login is under way"
                                      : code == 70002 ? @"the UserSig is empty"
                                                      : @"another user is logged in; log out first");
  if (client != NULL) { // a newer UserSig
    adieu_sign_in(client, ADIText(userSig));
    return [self pull:client for:login];
  }
  // Opening reads the store from the disk: not on the caller's thread.
  NSArray *what = [NSArray arrayWithObjects:userID ?: @"", userSig, login, nil];
  [NSThread detachNewThreadSelector:@selector(open:) toTarget:self withObject:what];
}

- (void)open:(NSArray *)what {
  @autoreleasepool {
    NSString *user = [what objectAtIndex:0], *sig = [what objectAtIndex:1];
    ADICall *login = [what objectAtIndex:2];
    [_changed lock];
    _opener = [NSThread currentThread];
    NSString *folder = [_path stringByAppendingPathComponent:folder_of(user)];
    const char *server = ADIText(_server), *authorities = ADIText(_authorities);
    const uint64_t app_id = _appID;
    [_changed unlock];
    [[NSFileManager defaultManager] createDirectoryAtPath:folder
                              withIntermediateDirectories:YES
                                               attributes:nil
                                                    error:NULL];
    adieu_client_options options = ADIEU_CLIENT_OPTIONS_INIT;
    adieu_listener listener = ADIEU_LISTENER_INIT;
    listener.on_event = ADIOnEvent;
    listener.user_data = ADI_RETAINED(_listeners);
    listener.user_data_destructor = ADIForget;
    options.store_path = ADIText(folder);
    options.user_id = ADIText(user);
    options.user_sig = ADIText(sig);
    options.server_url = server;
    options.ca_certificates = authorities;
    options.sdk_app_id = app_id;
    options.live_sync = 1;
    options.listener = &listener;
    adieu_client *client = NULL;
    char why[512] = "";
    int32_t code = adieu_client_open(&options, &client, why, sizeof why);
    NSString *desc = ADIString(why[0] != '\0' ? why : adieu_strerror(code));
    [_changed lock];
    _opening = NO;
    _opener = nil;
    const BOOL unwanted = code == ADIEU_OK && !_initialised;
    if (code == ADIEU_OK && !unwanted) {
      _client = client;
      _user = [user copy];
    }
    [_changed broadcast];
    [_changed unlock];
    if (unwanted) {
      adieu_client_close(client);
      ADITellFailure(login->_fail, 6013, @"the SDK was uninitialised during the login");
    } else if (code != ADIEU_OK) {
      ADITellFailure(login->_fail, ADINumber(code), desc);
    } else {
      [self pull:client for:login];
    }
  }
}

/// Ends a login.
- (void)pull:(adieu_client *)client for:(ADICall *)login {
  ADICall *pull = [ADICall callWithSucc:login->_succ
                                   fail:^(int code, NSString *desc) {
                                     if (!ADIIsNetwork(code))
                                       [self drop:client telling:login->_fail code:code desc:desc];
                                     else if (login->_succ != nil)
                                       login->_succ();
                                   }];
  void *data = ADI_RETAINED(pull);
  const int32_t code = adieu_pull(client, ADIOnSuccess, ADIOnError, data);
  if (code != ADIEU_OK)
    [ADI_TAKE(ADICall, data) refuse:code];
}

/// Nobody is logged in after a login that failed; told when the store is free for the next one.
- (void)drop:(adieu_client *)client telling:(V2TIMFail)fail code:(int)code desc:(NSString *)desc {
  [_changed lock];
  if (_client == client)
    [self forgetClient];
  [_changed unlock];
  ADICall *closed = [ADICall callWithSucc:^{
    ADITellFailure(fail, code, desc);
  } fail:nil];
  void *data = ADI_RETAINED(closed);
  if (adieu_client_close_async(client, ADIOnSuccess, data) != ADIEU_OK) {
    (void)ADI_TAKE(ADICall, data);
    ADITellFailure(fail, code, desc);
  }
}

- (void)logout:(V2TIMSucc)succ fail:(V2TIMFail)fail {
  [_changed lock];
  const BOOL initialised = _initialised;
  adieu_client *client = [self forgetClient];
  [_changed unlock];
  if (client == NULL)
    return ADITellFailure(fail, initialised ? 6014 : 6013, @"nobody is logged in");
  void *data = ADI_RETAINED([ADICall callWithSucc:succ fail:fail]);
  const int32_t code = adieu_client_close_async(client, ADIOnSuccess, data);
  if (code != ADIEU_OK)
    [ADI_TAKE(ADICall, data) refuse:code];
}

- (void)call:(ADICall *)call with:(int32_t (^)(adieu_client *client, void *data))start {
  [_changed lock];
  adieu_client *client = _client;
  const BOOL initialised = _initialised;
  [_changed unlock];
  if (client == NULL)
    return ADITellFailure(call->_fail, initialised ? 6014 : 6013,
                          initialised ? @"nobody is logged in" : @"not initialised");
  void *data = ADI_RETAINED(call);
  const int32_t code = start(client, data);
  if (code != ADIEU_OK)
    [ADI_TAKE(ADICall, data) refuse:code];
}

- (ADIListeners *)listeners {
  return _listeners;
}

@end
