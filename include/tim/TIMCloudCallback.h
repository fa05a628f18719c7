/* Callbacks of TIMCloud.h. They come on a thread of the library, one after the other.
 *
 * SPDX-License-Identifier: Apache-2.0 OR MIT */

#ifndef ADIEU_TIM_CLOUD_CALLBACK_H
#define ADIEU_TIM_CLOUD_CALLBACK_H

#include "TIMCloudDef.h"

/* The outcome of a call: 0, or a number of the vendor's with a text that says what was wrong.
 * `desc` and `json_params` are never NULL, may be empty, and are valid until it returns.
 * `user_data` is passed through and never looked behind. */
typedef void (*TIMCommCallback)(int32_t code, const char *desc, const char *json_params,
                                const void *user_data);

/* Conversations that are new, deleted or changed, as a JSON array; of a deleted one its id and
 * type. "" at the begin and the end of pulling. */
typedef void (*TIMConvEventCallback)(enum TIMConvEvent conv_event, const char *json_conv_array,
                                     const void *user_data);

#endif
