// The sample of the vendor's page for Windows, in the place where an app would have it.
//
//   sample as_written | corrected
#include "check.hpp"

#include <cstring>

class Heard : public V2TIMConversationListener {
public:
  void OnConversationDeleted(const V2TIMStringVector &) override { counter.tell(); }
  Counter counter;
};

static void run() {
#include SAMPLE
}

int main(int, char **argv) {
  Heard heard;
  CHECK(manager()->InitSDK(app_id(), config()) && log_in() == 0);
  const size_t before = listed();
  conversations()->AddConversationListener(&heard);
  run();
  if (std::strcmp(argv[1], "corrected") == 0) {
    CHECK(heard.counter.wait(1));
    CHECK(listed() == before - 1);
  } else {
    CHECK(listed() == before && heard.counter.count() == 0);
  }
  manager()->UnInitSDK();
  return failures == 0 ? 0 : 1;
}
