// The JSON arguments of the vendor's C API: what is refused says so and calls nobody, what is taken
// calls back once, and what comes back is JSON.
//
// The first byte says which function, the second a number for it, the rest is its JSON. There is no
// server: what goes there is refused.
#include <tim/TIMCloud.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>

namespace {

// What is queued in one store is gone with it.
constexpr int MOST_INPUTS = 300;

void broken(const char *what) {
  std::fprintf(stderr, "tim_json: %s\n", what);
  std::abort();
}

std::mutex lock;
std::condition_variable changed;
int called;

void tell(int32_t, const char *desc, const char *json, const void *) {
  if (desc == nullptr || json == nullptr)
    broken("a callback was told NULL");
  if (*json != '\0' && !nlohmann::json::accept(json))
    broken("a callback was told what is no JSON");
  const std::lock_guard<std::mutex> held(lock);
  ++called;
  changed.notify_all();
}

void ends(int code) {
  std::unique_lock<std::mutex> held(lock);
  if (code > TIM_SUCC || code < TIM_ERR_GROUP)
    broken("there is no such result");
  if (code == TIM_SUCC &&
      !changed.wait_for(held, std::chrono::seconds(20), [] { return called > 0; }))
    broken("a call has not answered");
  if (called != (code == TIM_SUCC ? 1 : 0))
    broken("a call has answered twice, or was refused and answered");
  called = 0;
}

std::string folder() {
  char made[] = "/tmp/adieu-fuzz-XXXXXX";
  if (mkdtemp(made) == nullptr)
    broken("a temporary folder cannot be made");
  return made;
}

std::string config(const std::string &folder) {
  return nlohmann::json{{kTIMSdkConfigConfigFilePath, folder},
                        {kTIMSdkConfigServerUrl, "http://127.0.0.1:1"}}
      .dump();
}

/// Logged in; anew when there have been many inputs.
void begin() {
  static std::string place;
  static int inputs;
  if (inputs++ % MOST_INPUTS != 0)
    return;
  if (!place.empty()) {
    TIMUninit();
    std::filesystem::remove_all(place);
  }
  place = folder();
  if (TIMInit(1400000000, config(place).c_str()) != TIM_SUCC)
    broken("TIMInit is refused");
  ends(TIMLogin("alice", "eJw-not-looked-at", tell, nullptr));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2)
    return 0;
  begin();
  const std::string text(data + 2, data + size);
  const char *const json = text.c_str();
  const auto number = data[1];
  switch (data[0] % 5) {
  case 0:
    ends(TIMConvDeleteConversationList(json, (number & 1) != 0, tell, nullptr));
    break;
  case 1:
    ends(TIMConvGetConvInfo(json, tell, nullptr));
    break;
  case 2:
    ends(TIMConvGetConversationListByFilter(json, 0, number, tell, nullptr));
    break;
  case 3:
    (void)TIMConvSetDraft("bob", kTIMConv_C2C, json);
    ends(TIMConvGetConvList(tell, nullptr));
    break;
  default:
    // Where one is initialised already, only its JSON is looked at.
    if (TIMInit(1400000000, json) == TIM_SUCC)
      broken("TIMInit has succeeded twice");
  }
  return 0;
}
