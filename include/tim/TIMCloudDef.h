/* Numbers and JSON keys of TIMCloud.h.
 *
 * SPDX-License-Identifier: Apache-2.0 OR MIT */

#ifndef ADIEU_TIM_CLOUD_DEF_H
#define ADIEU_TIM_CLOUD_DEF_H

#include <stdbool.h>
#include <stdint.h>

#if defined(_WIN32) && defined(ADIEU_TIM_BUILD)
#define TIM_API __declspec(dllexport)
#elif defined(_WIN32)
#define TIM_API __declspec(dllimport)
#elif defined(__GNUC__)
#define TIM_API __attribute__((visibility("default")))
#else
#define TIM_API
#endif

/* What the functions return. Of all others than TIM_SUCC no callback follows. */
enum TIMResult {
  TIM_SUCC = 0,
  TIM_ERR_SDKUNINIT = -1,
  TIM_ERR_NOTLOGIN = -2,
  TIM_ERR_JSON = -3,
  TIM_ERR_PARAM = -4,
  TIM_ERR_CONV = -5,
  TIM_ERR_GROUP = -6
};

enum TIMConvType {
  kTIMConv_Invalid = 0,
  kTIMConv_C2C = 1,
  kTIMConv_Group = 2,
  kTIMConv_System = 3
};

enum TIMConvEvent {
  kTIMConvEvent_Add = 0,
  kTIMConvEvent_Del = 1,
  kTIMConvEvent_Update = 2,
  kTIMConvEvent_Start = 3,
  kTIMConvEvent_Finish = 4
};

/* TIMInit. The last two are not the vendor's: https://HOST[:PORT] of adieu-server, where it is
 * missing the environment's ADIEU_SERVER_URL; and certificates of the authorities that the server's
 * has to come from, in PEM form, where they are missing those of Mozilla's list. */
#define kTIMSdkConfigConfigFilePath "sdk_config_config_file_path"
#define kTIMSdkConfigLogFilePath "sdk_config_log_file_path"
#define kTIMSdkConfigServerUrl "sdk_config_server_url"
#define kTIMSdkConfigCaCertificates "sdk_config_ca_certificates"

/* A conversation. */
#define kTIMConvId "conv_id"
#define kTIMConvType "conv_type"
#define kTIMConvUnReadNum "conv_unread_num"
#define kTIMConvActiveTime "conv_active_time"
#define kTIMConvIsHasLastMsg "conv_is_has_lastmsg"
#define kTIMConvLastMsg "conv_last_msg"
#define kTIMConvIsHasDraft "conv_is_has_draft"
#define kTIMConvDraft "conv_draft"
#define kTIMConvIsPinned "conv_is_pinned"
#define kTIMConvShowName "conv_show_name"
#define kTIMConvMarkArray "conv_mark_array"

/* Of its last message and its draft. */
#define kTIMMsgSender "message_sender"
#define kTIMMsgServerTime "message_server_time"
#define kTIMMsgSeq "message_seq"
#define kTIMMsgElemArray "message_elem_array"
#define kTIMElemType "elem_type"
#define kTIMTextElemContent "text_elem_content"
#define kTIMDraftUserDefine "draft_user_define"
#define kTIMDraftMsg "draft_msg"

/* TIMConvGetConvInfo. */
#define kTIMGetConversationListParamConvId "get_conversation_list_param_conv_id"
#define kTIMGetConversationListParamConvType "get_conversation_list_param_conv_type"

/* TIMConvGetConversationListByFilter. */
#define kTIMConversationListFilterConvType "conversation_list_filter_conv_type"
#define kTIMConversationListFilterConversationGroup "conversation_list_filter_conversation_group"
#define kTIMConversationListFilterMarkType "conversation_list_filter_mark_type"
#define kTIMConversationListFilterHasUnreadCount "conversation_list_filter_has_unread_count"
#define kTIMConversationListResultNextSeq "conversation_list_result_next_seq"
#define kTIMConversationListResultIsFinished "conversation_list_result_is_finished"
#define kTIMConversationListResultConvList "conversation_list_result_conv_list"

/* TIMConvDeleteConversationList. */
#define kTIMConversationOperationResultConversationID                                              \
  "conversation_operation_result_conversation_id"
#define kTIMConversationOperationResultResultCode "conversation_operation_result_result_code"
#define kTIMConversationOperationResultResultInfo "conversation_operation_result_result_info"

#endif
