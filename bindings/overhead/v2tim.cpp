// Through the vendor's C++ classes.
#include <v2tim/V2TIMManager.h>

#include "rounds.hpp"

struct Told : V2TIMCallback {
  void OnSuccess() override { ++told; }
  void OnError(int, const V2TIMString &) override { ++told; }
};

int main() {
  V2TIMSDKConfig config;
  config.initPath = std::getenv("ADIEU_STORE");
  Told callback;
  V2TIMManager *const manager = V2TIMManager::GetInstance();
  V2TIMConversationManager *const conversations = manager->GetConversationManager();
  manager->InitSDK(static_cast<uint32_t>(std::atoi(std::getenv("ADIEU_APP_ID"))), config);
  manager->Login(std::getenv("ADIEU_USER"), std::getenv("ADIEU_USER_SIG"), &callback);
  wait_for(1);
  rounds([&](const std::string &id) { conversations->DeleteConversation(id, &callback); },
         [&](const std::string &id) { conversations->PinConversation(id, true, &callback); });
  manager->UnInitSDK();
}
