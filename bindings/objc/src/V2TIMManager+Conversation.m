#import "ADICall.h"

@interface V2TIMManager (List)
- (void)list:(void (^)(NSArray *list))told fail:(V2TIMFail)fail;
- (void)clear:(NSString *)conversationID succ:(V2TIMSucc)succ fail:(V2TIMFail)fail;
@end

@implementation V2TIMManager (Conversation)

- (void)addConversationListener:(id<V2TIMConversationListener>)listener {
  [[self listeners]->_conversations add:listener];
}

- (void)removeConversationListener:(id<V2TIMConversationListener>)listener {
  [[self listeners]->_conversations remove:listener];
}

- (void)deleteConversation:(NSString *)conversationID succ:(V2TIMSucc)succ fail:(V2TIMFail)fail {
  [self call:[ADICall callWithSucc:succ fail:fail]
        with:^(adieu_client *client, void *data) {
          return adieu_delete_conversation(client, ADI_ID(conversationID), ADIOnSuccess,
                                           ADIOnError, data);
        }];
}

- (void)deleteConversationList:(NSArray *)conversationIDList
                  clearMessage:(BOOL)clearMessage
                          succ:(V2TIMConversationOperationResultSucc)succ
                          fail:(V2TIMFail)fail {
  ADICall *call = [ADICall callWithValue:^(NSArray *results) {
    if (succ != nil)
      succ(results);
  } fail:fail];
  [self call:call
        with:^(adieu_client *client, void *data) {
          const NSUInteger count = [conversationIDList count];
          adieu_delete_options options = ADIEU_DELETE_OPTIONS_INIT;
          options.keep_history = !clearMessage;
          const char **ids = calloc(count + 1, sizeof *ids);
          if (ids == NULL)
            return (int32_t)ADIEU_ERR_INVALID_ARGUMENT;
          for (NSUInteger i = 0; i < count; ++i)
            ids[i] = ADIText([conversationIDList objectAtIndex:i]);
          const int32_t code = adieu_delete_conversations(client, ids, count, &options,
                                                          ADIOnResults, ADIOnError, data);
          free(ids);
          return code;
        }];
}

- (void)setConversationDraft:(NSString *)conversationID
                   draftText:(NSString *)draftText
                        succ:(V2TIMSucc)succ
                        fail:(V2TIMFail)fail {
  [self call:[ADICall callWithSucc:succ fail:fail]
        with:^(adieu_client *client, void *data) {
          return adieu_set_draft(client, ADI_ID(conversationID), ADIText(draftText), ADIOnSuccess,
                                 ADIOnError, data);
        }];
}

- (void)pinConversation:(NSString *)conversationID
               isPinned:(BOOL)isPinned
                   succ:(V2TIMSucc)succ
                   fail:(V2TIMFail)fail {
  [self call:[ADICall callWithSucc:succ fail:fail]
        with:^(adieu_client *client, void *data) {
          return adieu_pin_conversation(client, ADI_ID(conversationID), isPinned ? 1 : 0,
                                        ADIOnSuccess, ADIOnError, data);
        }];
}

- (void)cleanConversationUnreadMessageCount:(NSString *)conversationID
                             cleanTimestamp:(uint64_t)cleanTimestamp
                              cleanSequence:(uint64_t)cleanSequence
                                       succ:(V2TIMSucc)succ
                                       fail:(V2TIMFail)fail {
  if (cleanTimestamp != 0 || [conversationID length] == 0 ||
      [conversationID isEqualToString:@"c2c"] || [conversationID isEqualToString:@"group"])
    return ADITellFailure(fail, 7013, @"only one conversation, by its sequence, can be read");
  [self call:[ADICall callWithSucc:succ fail:fail]
        with:^(adieu_client *client, void *data) {
          return adieu_mark_read(client, ADI_ID(conversationID), cleanSequence, ADIOnSuccess,
                                 ADIOnError, data);
        }];
}

- (void)deleteConversationGroup:(NSString *)groupName succ:(V2TIMSucc)succ fail:(V2TIMFail)fail {
  (void)groupName, (void)succ;
  ADITellFailure(fail, 7013, @"folders of conversations are not supported; to delete a "
                             @"conversation, call deleteConversation");
}

- (void)list:(void (^)(NSArray *list))told fail:(V2TIMFail)fail {
  [self call:[ADICall callWithValue:told fail:fail]
        with:^(adieu_client *client, void *data) {
          return adieu_list_conversations(client, ADIOnConversations, ADIOnError, data);
        }];
}

- (void)getConversationList:(uint64_t)nextSeq
                      count:(int)count
                       succ:(V2TIMConversationResultSucc)succ
                       fail:(V2TIMFail)fail {
  [self getConversationListByFilter:nil
                            nextSeq:nextSeq
                              count:(uint32_t)MAX(count, 0)
                               succ:succ
                               fail:fail];
}

- (void)getConversationListByFilter:(V2TIMConversationListFilter *)filter
                            nextSeq:(uint64_t)nextSeq
                              count:(uint32_t)count
                               succ:(V2TIMConversationResultSucc)succ
                               fail:(V2TIMFail)fail {
  if ([filter.conversationGroup length] > 0)
    return ADITellFailure(fail, 7013, @"folders of conversations are not supported");
  if (count < 1)
    return ADITellFailure(fail, 6017, @"allowed: count 1 and more");
  [self list:^(NSArray *all) {
    NSMutableArray *list = [NSMutableArray array];
    for (V2TIMConversation *it in all)
      if (filter == nil || [filter passes:it])
        [list addObject:it];
    const uint64_t total = [list count], begin = MIN(nextSeq, total);
    const uint64_t taken = MIN((uint64_t)count, total - begin);
    const BOOL finished = begin + taken == total;
    if (succ != nil)
      succ([list subarrayWithRange:NSMakeRange((NSUInteger)begin, (NSUInteger)taken)],
           finished ? 0 : begin + taken, finished);
  } fail:fail];
}

- (void)getConversation:(NSString *)conversationID
                   succ:(V2TIMConversationSucc)succ
                   fail:(V2TIMFail)fail {
  [self list:^(NSArray *list) {
    for (V2TIMConversation *it in list) {
      if (![it.conversationID isEqualToString:conversationID])
        continue;
      if (succ != nil)
        succ(it);
      return;
    }
    if (fail != nil)
      fail(6017, @"the list shows no such conversation");
  } fail:fail];
}

- (void)getConversationList:(NSArray *)conversationIDList
                       succ:(V2TIMConversationListSucc)succ
                       fail:(V2TIMFail)fail {
  [self list:^(NSArray *list) {
    NSMutableArray *some = [NSMutableArray array];
    for (NSString *wanted in conversationIDList)
      for (V2TIMConversation *it in list)
        if ([it.conversationID isEqualToString:wanted])
          [some addObject:it];
    if (succ != nil)
      succ(some);
  } fail:fail];
}

- (void)getTotalUnreadMessageCount:(V2TIMTotalUnreadMessageCountSucc)succ fail:(V2TIMFail)fail {
  [self list:^(NSArray *list) {
    uint64_t total = 0;
    for (V2TIMConversation *it in list)
      total += (uint64_t)it.unreadCount;
    if (succ != nil)
      succ(total);
  } fail:fail];
}

@end

@implementation V2TIMManager (Message)

- (void)clear:(NSString *)conversationID succ:(V2TIMSucc)succ fail:(V2TIMFail)fail {
  [self call:[ADICall callWithSucc:succ fail:fail]
        with:^(adieu_client *client, void *data) {
          return adieu_clear_history(client, ADI_ID(conversationID), NULL, ADIOnSuccess,
                                     ADIOnError, data);
        }];
}

- (void)clearC2CHistoryMessage:(NSString *)userID succ:(V2TIMSucc)succ fail:(V2TIMFail)fail {
  [self clear:[@"c2c_" stringByAppendingString:userID ?: @""] succ:succ fail:fail];
}

- (void)clearGroupHistoryMessage:(NSString *)groupID succ:(V2TIMSucc)succ fail:(V2TIMFail)fail {
  [self clear:[@"group_" stringByAppendingString:groupID ?: @""] succ:succ fail:fail];
}

@end
