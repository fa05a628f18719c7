/* The vendor's C API as far as conversations go: link libadieu_tim.
 *
 * SPDX-License-Identifier: Apache-2.0 OR MIT
 *
 * A function returns TIM_SUCC, and then its callback is called exactly once, on a thread of the
 * library; or another number of TIMResult, and then it is not called:
 *
 *   TIM_ERR_SDKUNINIT   TIMInit comes first.
 *   TIM_ERR_NOTLOGIN    TIMLogin comes first.
 *   TIM_ERR_JSON        The JSON cannot be read, or is not of the shape that is asked for.
 *   TIM_ERR_PARAM       A string is NULL or empty, or a number means nothing.
 *   TIM_ERR_CONV        There is no such type of conversation.
 *
 * A callback may be NULL: then nobody is told. Ids are bare and come with a type, but for the
 * functions that say conversation_id: there it is c2c_<user> or group_<group>. All text is UTF-8
 * and is copied. Any thread may call, callbacks included. */

#ifndef ADIEU_TIM_CLOUD_H
#define ADIEU_TIM_CLOUD_H

#include "TIMCloudCallback.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The config is a JSON object; its folder has one store for each user. */
TIM_API int TIMInit(uint64_t sdk_app_id, const char *json_sdk_config);

/* Waits for the last callback, unless it is called from one. Calls under way end with an error. */
TIM_API int TIMUninit(void);

/* Valid for ever. */
TIM_API const char *TIMGetSDKVersion(void);

/* Opens the user's store and pulls from the server. Succeeds without a network, with what the
 * device has. */
TIM_API int TIMLogin(const char *user_id, const char *user_sig, TIMCommCallback cb,
                     const void *user_data);
TIM_API int TIMLogout(TIMCommCallback cb, const void *user_data);

/* NULL: nobody hears of events. */
TIM_API void TIMSetConvEventCallback(TIMConvEventCallback cb, const void *user_data);

/* Deletes a conversation for good: from the server, then from this device. */
TIM_API int TIMConvDelete(const char *conv_id, enum TIMConvType conv_type, TIMCommCallback cb,
                          const void *user_data);

/* The same for a JSON array of 1 to 100 conversation ids, with a result for each. clearMessage
 * false: they only leave the list. */
TIM_API int TIMConvDeleteConversationList(const char *conversation_id_array, bool clearMessage,
                                          TIMCommCallback cb, const void *user_data);

/* Deletes the history for good; the conversation stays in the list. */
TIM_API int TIMMsgClearHistoryMessage(const char *conv_id, enum TIMConvType conv_type,
                                      TIMCommCallback cb, const void *user_data);

/* All conversations on this device: what is pinned, then the rest, each the newest first. */
TIM_API int TIMConvGetConvList(TIMCommCallback cb, const void *user_data);

/* Those of a JSON array of ids with types that the list shows. */
TIM_API int TIMConvGetConvInfo(const char *json_get_conv_list_param, TIMCommCallback cb,
                               const void *user_data);

/* A page of those that pass a filter; begin with next_seq 0. */
TIM_API int TIMConvGetConversationListByFilter(const char *filter, uint64_t next_seq,
                                               uint32_t count, TIMCommCallback cb,
                                               const void *user_data);

TIM_API int TIMConvPinConversation(const char *conv_id, enum TIMConvType conv_type, bool is_pinned,
                                   TIMCommCallback cb, const void *user_data);

/* Keeps the text of draft_msg, or else draft_user_define. Nobody is told how it ended. */
TIM_API int TIMConvSetDraft(const char *conv_id, enum TIMConvType conv_type,
                            const char *json_draft_param);
TIM_API int TIMConvCancelDraft(const char *conv_id, enum TIMConvType conv_type);

/* clean_timestamp must be 0 (7013); clean_sequence 0: all that is there. */
TIM_API int TIMConvCleanConversationUnreadMessageCount(const char *conversation_id,
                                                       uint64_t clean_timestamp,
                                                       uint64_t clean_sequence, TIMCommCallback cb,
                                                       const void *user_data);

#ifdef __cplusplus
}
#endif

#endif
