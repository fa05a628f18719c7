// SPDX-License-Identifier: Apache-2.0 OR MIT

#ifndef ADIEU_V2TIM_MESSAGE_MANAGER_H
#define ADIEU_V2TIM_MESSAGE_MANAGER_H

#include "V2TIMCallback.h"

class TIM_API V2TIMMessageManager {
public:
  virtual ~V2TIMMessageManager() = default;
  /// Deletes the history for good, here and on the server; the conversation stays in the list.
  virtual void ClearC2CHistoryMessage(const V2TIMString &userID, V2TIMCallback *callback) = 0;
  virtual void ClearGroupHistoryMessage(const V2TIMString &groupID, V2TIMCallback *callback) = 0;
};

#endif
