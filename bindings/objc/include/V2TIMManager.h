// The vendor's Objective-C classes as far as conversations go, over adieu.h.
//
// Instance variables stand here for the sake of GNUstep's older run-time library.
//
// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Blocks are called on a thread of the library, each in an autorelease pool of its own; exactly one of
// succ and fail, exactly once. Both may be nil. An exception that leaves a block is contained and
// logged. A call that is refused at once (6013 not initialised, 6014 not logged in, 7013 not
// supported) is answered before it returns.

#import <Foundation/Foundation.h>

#ifndef NS_ASSUME_NONNULL_BEGIN
#define NS_ASSUME_NONNULL_BEGIN
#define NS_ASSUME_NONNULL_END
#endif

NS_ASSUME_NONNULL_BEGIN

@class V2TIMConversation, V2TIMConversationOperationResult, ADIListeners;
struct adieu_client;

typedef void (^V2TIMSucc)(void);
typedef void (^V2TIMFail)(int code, NSString *_Nullable desc);
typedef void (^V2TIMConversationResultSucc)(NSArray<V2TIMConversation *> *list, uint64_t nextSeq,
                                            BOOL isFinished);
typedef void (^V2TIMConversationSucc)(V2TIMConversation *conversation);
typedef void (^V2TIMConversationListSucc)(NSArray<V2TIMConversation *> *list);
typedef void (^V2TIMConversationOperationResultSucc)(
    NSArray<V2TIMConversationOperationResult *> *resultList);
typedef void (^V2TIMTotalUnreadMessageCountSucc)(uint64_t totalCount);

typedef NS_ENUM(NSInteger, V2TIMConversationType) {
  V2TIM_UNKNOWN = 0,
  V2TIM_C2C = 1,
  V2TIM_GROUP = 2,
};

/// How the SDK is initialised. The strings are not in the vendor's class.
@interface V2TIMSDKConfig : NSObject {
@private
  NSString *_serverURL, *_storePath, *_caCertificates;
}
/// https://HOST[:PORT] of adieu-server; nil: ADIEU_SERVER_URL in the environment.
@property(nonatomic, copy, nullable) NSString *serverURL;
/// Folder of the stores, one for each user; nil: Application Support, or the current folder.
@property(nonatomic, copy, nullable) NSString *storePath;
/// Certificates of the authorities that the server's has to come from, in PEM form; nil: the
/// authorities of Mozilla's list. A text that is none fails the login (6017).
@property(nonatomic, copy, nullable) NSString *caCertificates;
@end

/// Of a message, what a list of conversations shows.
@interface V2TIMMessage : NSObject {
@private
  NSString *_sender, *_text;
  NSDate *_timestamp;
  uint64_t _seq;
}
@property(nonatomic, copy, readonly) NSString *sender;
@property(nonatomic, copy, readonly) NSDate *timestamp;
@property(nonatomic, assign, readonly) uint64_t seq;
/// Its texts, joined. Not in the vendor's class.
@property(nonatomic, copy, readonly) NSString *text;
@end

@interface V2TIMConversation : NSObject {
@private
  NSString *_conversationID, *_title, *_draftText;
  V2TIMMessage *_lastMessage;
  uint64_t _orderKey, _marks;
  int _unreadCount;
  BOOL _isPinned;
}
@property(nonatomic, assign, readonly) V2TIMConversationType type;
@property(nonatomic, copy, readonly) NSString *conversationID;
@property(nonatomic, copy, readonly, nullable) NSString *userID;
@property(nonatomic, copy, readonly, nullable) NSString *groupID;
@property(nonatomic, copy, readonly) NSString *showName;
@property(nonatomic, assign, readonly) int unreadCount;
@property(nonatomic, copy, readonly, nullable) NSString *draftText;
@property(nonatomic, assign, readonly) BOOL isPinned;
@property(nonatomic, retain, readonly, nullable) V2TIMMessage *lastMessage;
/// Sorts a list as the library does: the greatest first.
@property(nonatomic, assign, readonly) uint64_t orderKey;
/// Bits, as NSNumber each.
@property(nonatomic, copy, readonly) NSArray *markList;
@end

/// Which conversations are wanted; what is not set is not asked for.
@interface V2TIMConversationListFilter : NSObject {
@private
  V2TIMConversationType _type;
  uint64_t _markType;
  BOOL _hasUnreadCount;
  NSString *_conversationGroup;
}
/// V2TIM_UNKNOWN: of both types.
@property(nonatomic, assign) V2TIMConversationType type;
/// Bits of which one must be set; 0: any.
@property(nonatomic, assign) uint64_t markType;
@property(nonatomic, assign) BOOL hasUnreadCount;
/// Folders are not supported: must be empty (7013).
@property(nonatomic, copy, nullable) NSString *conversationGroup;
@end

@interface V2TIMConversationOperationResult : NSObject {
@private
  NSString *_conversationID, *_resultInfo;
  int _resultCode;
}
@property(nonatomic, copy, readonly) NSString *conversationID;
@property(nonatomic, assign, readonly) int resultCode;
@property(nonatomic, copy, readonly) NSString *resultInfo;
@end

/// The line to the server. Retained until it is removed. All methods are optional.
@protocol V2TIMSDKListener <NSObject>
@optional
- (void)onConnecting;
- (void)onConnectSuccess;
- (void)onConnectFailed:(int)code err:(nullable NSString *)err;
/// Never called here: devices do not push each other out.
- (void)onKickedOffline;
/// The server does not take the UserSig any more: log in with a new one.
- (void)onUserSigExpired;
@end

/// Retained until it is removed. All methods are optional.
@protocol V2TIMConversationListener <NSObject>
@optional
- (void)onSyncServerStart;
- (void)onSyncServerFinish;
- (void)onSyncServerFailed;
- (void)onNewConversation:(NSArray<V2TIMConversation *> *)conversationList;
- (void)onConversationChanged:(NSArray<V2TIMConversation *> *)conversationList;
/// Afterwards no other event names them, unless a newer message comes.
- (void)onConversationDeleted:(NSArray<NSString *> *)conversationIDList;
- (void)onTotalUnreadMessageCountChanged:(uint64_t)totalUnreadCount;
@end

/// Any thread.
@interface V2TIMManager : NSObject {
@private
  NSCondition *_changed; // guards the rest
  BOOL _initialised, _opening;
  NSThread *_opener;
  struct adieu_client *_client;
  NSString *_user, *_server, *_path, *_authorities;
  uint64_t _appID;
  ADIListeners *_listeners;
}
+ (instancetype)sharedInstance;

/// NO when it was initialised already, or when no server is given: without one, deleting would be
/// erasing on this device alone.
- (BOOL)initSDK:(int)sdkAppID config:(nullable V2TIMSDKConfig *)config;
/// Waits for the last block, unless it is called from one. Calls under way get their fail.
- (void)unInitSDK;
- (void)addIMSDKListener:(id<V2TIMSDKListener>)listener;
- (void)removeIMSDKListener:(id<V2TIMSDKListener>)listener;
- (NSString *)getVersion;
/// Opens the user's store, then pulls from the server. Succeeds without a network, with what the
/// device has.
- (void)login:(NSString *)userID
      userSig:(NSString *)userSig
         succ:(nullable V2TIMSucc)succ
         fail:(nullable V2TIMFail)fail;
- (void)logout:(nullable V2TIMSucc)succ fail:(nullable V2TIMFail)fail;
/// nil when nobody is logged in.
- (nullable NSString *)getLoginUser;
@end

@interface V2TIMManager (Conversation)
- (void)addConversationListener:(id<V2TIMConversationListener>)listener;
- (void)removeConversationListener:(id<V2TIMConversationListener>)listener;

/// A page of the list on this device; begin with nextSeq 0.
- (void)getConversationList:(uint64_t)nextSeq
                      count:(int)count
                       succ:(nullable V2TIMConversationResultSucc)succ
                       fail:(nullable V2TIMFail)fail;
/// 6017 for one that the list does not show.
- (void)getConversation:(NSString *)conversationID
                   succ:(nullable V2TIMConversationSucc)succ
                   fail:(nullable V2TIMFail)fail;
/// Those of them that the list shows, in the order of the ids.
- (void)getConversationList:(NSArray<NSString *> *)conversationIDList
                       succ:(nullable V2TIMConversationListSucc)succ
                       fail:(nullable V2TIMFail)fail;
/// A page of those that pass the filter; nil: of all.
- (void)getConversationListByFilter:(nullable V2TIMConversationListFilter *)filter
                            nextSeq:(uint64_t)nextSeq
                              count:(uint32_t)count
                               succ:(nullable V2TIMConversationResultSucc)succ
                               fail:(nullable V2TIMFail)fail;
/// Deletes a conversation for good: from the server, then from this device.
- (void)deleteConversation:(NSString *)conversationID
                      succ:(nullable V2TIMSucc)succ
                      fail:(nullable V2TIMFail)fail;
/// 1 to 100 of them. With clearMessage NO they only leave the list.
- (void)deleteConversationList:(NSArray<NSString *> *)conversationIDList
                  clearMessage:(BOOL)clearMessage
                          succ:(nullable V2TIMConversationOperationResultSucc)succ
                          fail:(nullable V2TIMFail)fail;
- (void)setConversationDraft:(NSString *)conversationID
                   draftText:(nullable NSString *)draftText
                        succ:(nullable V2TIMSucc)succ
                        fail:(nullable V2TIMFail)fail;
- (void)pinConversation:(NSString *)conversationID
               isPinned:(BOOL)isPinned
                   succ:(nullable V2TIMSucc)succ
                   fail:(nullable V2TIMFail)fail;
- (void)getTotalUnreadMessageCount:(nullable V2TIMTotalUnreadMessageCountSucc)succ
                              fail:(nullable V2TIMFail)fail;
/// One conversation, by its sequence (0: all that is there); else 7013.
- (void)cleanConversationUnreadMessageCount:(NSString *)conversationID
                             cleanTimestamp:(uint64_t)cleanTimestamp
                              cleanSequence:(uint64_t)cleanSequence
                                       succ:(nullable V2TIMSucc)succ
                                       fail:(nullable V2TIMFail)fail;
/// Folders of conversations: not supported (7013), it deletes nothing. Not to be mistaken for
/// deleteConversation.
- (void)deleteConversationGroup:(NSString *)groupName
                           succ:(nullable V2TIMSucc)succ
                           fail:(nullable V2TIMFail)fail;
@end

@interface V2TIMManager (Message)
/// Deletes the history for good, here and on the server; the conversation stays in the list.
- (void)clearC2CHistoryMessage:(NSString *)userID
                          succ:(nullable V2TIMSucc)succ
                          fail:(nullable V2TIMFail)fail;
- (void)clearGroupHistoryMessage:(NSString *)groupID
                            succ:(nullable V2TIMSucc)succ
                            fail:(nullable V2TIMFail)fail;
@end

NS_ASSUME_NONNULL_END
