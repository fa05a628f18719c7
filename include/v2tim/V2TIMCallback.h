// SPDX-License-Identifier: Apache-2.0 OR MIT

#ifndef ADIEU_V2TIM_CALLBACK_H
#define ADIEU_V2TIM_CALLBACK_H

#include "V2TIMString.h"

class TIM_API V2TIMBaseCallback {
public:
  V2TIMBaseCallback() = default;
  virtual ~V2TIMBaseCallback() = default;
};

/// Yours: the library never deletes it. Exactly one of the two is called, exactly once, and the
/// object is not touched afterwards, so that it may delete itself. It is called on a thread of the
/// library; a call that is refused at once (not initialised, not logged in) calls OnError before
/// it returns. Wherever one is taken, NULL may be given.
class V2TIMCallback : public V2TIMBaseCallback {
public:
  ~V2TIMCallback() override = default;
  virtual void OnSuccess() = 0;
  virtual void OnError(int error_code, const V2TIMString &error_message) = 0;
};

/// As V2TIMCallback. The value is valid until OnSuccess returns.
template <class T> class V2TIMValueCallback : public V2TIMBaseCallback {
public:
  ~V2TIMValueCallback() override = default;
  virtual void OnSuccess(const T &value) = 0;
  virtual void OnError(int error_code, const V2TIMString &error_message) = 0;
};

#endif
