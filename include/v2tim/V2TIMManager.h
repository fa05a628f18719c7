// The entry: V2TIMManager::GetInstance(). Includes all the others.
//
// SPDX-License-Identifier: Apache-2.0 OR MIT

#ifndef ADIEU_V2TIM_MANAGER_H
#define ADIEU_V2TIM_MANAGER_H

#include "V2TIMConversationManager.h"
#include "V2TIMErrorCode.h"
#include "V2TIMMessageManager.h"

#include <functional>

enum V2TIMLogLevel {
  V2TIM_LOG_NONE = 0,
  V2TIM_LOG_DEBUG = 3,
  V2TIM_LOG_INFO = 4,
  V2TIM_LOG_WARN = 5,
  V2TIM_LOG_ERROR = 6,
};

class TIM_API V2TIMLogListener {
public:
  virtual ~V2TIMLogListener() = default;
  virtual void OnLog(V2TIMLogLevel /*level*/, const V2TIMString & /*content*/) {}
};

struct TIM_API V2TIMSDKConfig {
  /// Folder of the stores, one for each user; made where it is missing. Empty: the current folder.
  V2TIMString initPath;
  /// The library writes no logs: these are not used.
  V2TIMString logPath;
  V2TIMLogLevel logLevel = V2TIM_LOG_NONE;
  V2TIMLogListener *logListener = nullptr;
  /// https://HOST[:PORT] of adieu-server. Empty: the environment's ADIEU_SERVER_URL. Not in the
  /// vendor's struct.
  V2TIMString serverURL;
  /// Certificates of the authorities that the server's has to come from, in PEM form; empty: the
  /// authorities of Mozilla's list. A text that is none fails the login (6017). Not in the vendor's
  /// struct.
  V2TIMString caCertificates;
};

/// Any thread.
class TIM_API V2TIMManager {
public:
  static V2TIMManager *GetInstance();
  virtual ~V2TIMManager() = default;

  virtual void AddSDKListener(V2TIMSDKListener *listener) = 0;
  virtual void RemoveSDKListener(V2TIMSDKListener *listener) = 0;

  /// False when it was initialised already, or when no server is given: without one, deleting
  /// would be erasing on this device alone.
  virtual bool InitSDK(uint32_t sdkAppID, const V2TIMSDKConfig &config) = 0;
  /// Waits for the last callback, unless it is called from one. Calls under way get their OnError.
  virtual void UnInitSDK() = 0;
  virtual V2TIMString GetVersion() = 0;

  /// Opens the user's store, then pulls from the server. Succeeds without a network, with what
  /// the device has.
  virtual void Login(const V2TIMString &userID, const V2TIMString &userSig,
                     V2TIMCallback *callback) = 0;
  virtual void Logout(V2TIMCallback *callback) = 0;
  /// Empty when nobody is logged in.
  virtual V2TIMString GetLoginUser() = 0;

  virtual V2TIMConversationManager *GetConversationManager() = 0;
  virtual V2TIMMessageManager *GetMessageManager() = 0;
};

#include "detail/managers.hpp"

#endif
