// The vendor's classes against a real server: what they promise, bad input, and the callbacks that
// apps really write. The server has for ADIEU_USER: c2c_bob, c2c_carol, c2c_Example, group_team.
#include "check.hpp"

#include <cstring>

namespace {

void before_a_login() {
  const auto refused = [](V2TIMCallback *callback) {
    conversations()->DeleteConversation("c2c_bob", callback);
  };
  CHECK(outcome_of(refused) == ERR_SDK_NOT_INITIALIZED);
  conversations()->DeleteConversation("c2c_bob", nullptr);
  CHECK(manager()->InitSDK(app_id(), config()));
  CHECK(!manager()->InitSDK(app_id(), config()));
  CHECK(std::strlen(manager()->GetVersion().CString()) > 0);
  CHECK(outcome_of(refused) == ERR_SDK_NOT_LOGGED_IN);
  CHECK(manager()->GetLoginUser().Empty());
  const auto login = [](const char *sig) {
    return [sig](V2TIMCallback *callback) {
      manager()->Login(environment("ADIEU_USER"), sig, callback);
    };
  };
  CHECK(outcome_of(login("")) == 70002);
  CHECK(outcome_of(login("nonsense")) == 70003);
  CHECK(manager()->GetLoginUser().Empty());
  CHECK(log_in() == 0);
  CHECK(manager()->GetLoginUser() == environment("ADIEU_USER").c_str());
  CHECK(log_in() == 0); // again: a newer UserSig
  CHECK(outcome_of([](V2TIMCallback *callback) { manager()->Login("eve", "sig", callback); }) ==
        ERR_SDK_INVALID_OPERATION);
}

void the_list() {
  CHECK(listed() == 4);
  ValueOutcome<V2TIMConversationResult> first, second;
  conversations()->GetConversationList(0, 3, &first);
  CHECK(first.wait() == 0 && first.value.conversationList.Size() == 3 && !first.value.isFinished);
  conversations()->GetConversationList(first.value.nextSeq, 3, &second);
  CHECK(second.wait() == 0 && second.value.conversationList.Size() == 1 && second.value.isFinished);
  V2TIMConversationListFilter filter;
  filter.type = V2TIM_GROUP;
  ValueOutcome<V2TIMConversationResult> groups;
  conversations()->GetConversationListByFilter(filter, 0, 10, &groups);
  CHECK(groups.wait() == 0 && groups.value.conversationList.Size() == 1);
  V2TIMStringVector ids;
  ids.PushBack("c2c_carol");
  ids.PushBack("c2c_nobody");
  ValueOutcome<V2TIMConversationVector> some;
  conversations()->GetConversationList(ids, &some);
  CHECK(some.wait() == 0 && some.value.Size() == 1 && some.value[0].userID == "carol");
  ValueOutcome<V2TIMConversation> bob, nobody;
  conversations()->GetConversation("c2c_bob", &bob);
  CHECK(bob.wait() == 0 && bob.value.type == V2TIM_C2C && bob.value.lastMessage != nullptr);
  CHECK(bob.value.message && bob.value.message->sender == "bob");
  conversations()->GetConversation("c2c_nobody", &nobody);
  CHECK(nobody.wait() == ERR_INVALID_PARAMETERS);
  ValueOutcome<uint64_t> unread, read;
  conversations()->GetTotalUnreadMessageCount(&unread);
  CHECK(unread.wait() == 0 && unread.value > 0);
  CHECK(outcome_of([](V2TIMCallback *callback) {
          conversations()->CleanConversationUnreadMessageCount("c2c_bob", 0, 0, callback);
        }) == 0);
  conversations()->GetTotalUnreadMessageCount(&read);
  CHECK(read.wait() == 0 && read.value < unread.value);
  CHECK(outcome_of([](V2TIMCallback *callback) {
          conversations()->PinConversation("group_team", true, callback);
        }) == 0);
  CHECK(outcome_of([](V2TIMCallback *callback) {
          conversations()->SetConversationDraft("group_team", "Grüße 👋", callback);
        }) == 0);
  ValueOutcome<V2TIMConversation> team;
  conversations()->GetConversation("group_team", &team);
  CHECK(team.wait() == 0 && team.value.isPinned && team.value.draftText == "Grüße 👋");
}

void bad_ids() {
  const V2TIMString wrong[] = {"", "conversationID", "c2c_",
                               "c2c_123456789012345678901234567890123", "c2c_👋", "c2c_\xff",
                               static_cast<const char *>(nullptr),
                               // What comes before the NUL is a conversation that exists.
                               V2TIMString("c2c_bob\0x", 9)};
  for (const V2TIMString &id : wrong) {
    Outcome outcome;
    conversations()->DeleteConversation(id, &outcome);
    CHECK(outcome.wait() == ERR_INVALID_PARAMETERS && !outcome.message.Empty());
  }
  CHECK(listed() == 4);
}

void folders_are_not_conversations() {
  Outcome outcome;
  conversations()->DeleteConversationGroup("c2c_bob", &outcome);
  CHECK(outcome.wait() == ERR_SDK_INTERFACE_NOT_SUPPORT);
  conversations()->DeleteConversationGroup("c2c_bob", nullptr);
  CHECK(listed() == 4);
}

/// Deletes itself, after throwing what must go no further.
class Throwing : public V2TIMCallback {
public:
  explicit Throwing(Counter &counter) : counter_(counter) {}
  void OnSuccess() override { end(); }
  void OnError(int, const V2TIMString &) override { end(); }

private:
  void end() {
    Counter &counter = counter_;
    delete this;
    counter.tell();
    throw std::runtime_error("thrown by a callback");
  }
  Counter &counter_;
};

/// Waits in its callback until it is let go.
class Blocking : public Outcome {
public:
  void OnSuccess() override {
    entered.tell();
    released.wait(1);
    Outcome::OnSuccess();
  }
  Counter entered, released;
};

/// Overrides what an app may, also what never comes: it has to compile.
class Deleted : public V2TIMConversationListener {
public:
  void OnUnreadMessageCountChangedByFilter(const V2TIMConversationListFilter &, uint64_t) override {
  }
  void OnConversationGroupCreated(const V2TIMString &, const V2TIMConversationVector &) override {}
  void OnConversationGroupDeleted(const V2TIMString &) override {}
  void OnConversationGroupNameChanged(const V2TIMString &, const V2TIMString &) override {}
  void OnConversationsAddedToGroup(const V2TIMString &, const V2TIMConversationVector &) override {}
  void OnConversationsDeletedFromGroup(const V2TIMString &,
                                       const V2TIMConversationVector &) override {}
  void OnConversationDeleted(const V2TIMStringVector &ids) override {
    for (const V2TIMString &id : ids)
      last = id;
    counter.tell();
  }
  Counter counter;
  V2TIMString last;
};

void callbacks_that_misbehave() {
  Counter thrown;
  conversations()->DeleteConversation("c2c_nobody", new Throwing(thrown));
  conversations()->DeleteConversation("not an id", new Throwing(thrown));
  CHECK(thrown.wait(2));

  // While one blocks, callers do not; what they asked for is told afterwards.
  Blocking blocking;
  Outcome behind;
  conversations()->PinConversation("c2c_bob", true, &blocking);
  CHECK(blocking.entered.wait(1));
  const auto begun = std::chrono::steady_clock::now();
  conversations()->DeleteConversation("c2c_nobody", &behind);
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(5));
  std::this_thread::sleep_for(blocked());
  CHECK(behind.counter.count() == 0);
  blocking.released.tell();
  CHECK(blocking.wait() == 0 && behind.wait() == 0);
}

void deletions() {
  Deleted deleted;
  conversations()->AddConversationListener(&deleted);
  conversations()->AddConversationListener(nullptr);
  CHECK(outcome_of([](V2TIMCallback *callback) {
          conversations()->DeleteConversation("c2c_bob", callback);
        }) == 0);
  CHECK(deleted.counter.wait(1) && deleted.last == "c2c_bob");
  conversations()->RemoveConversationListener(&deleted);
  CHECK(listed() == 3);

  V2TIMStringVector ids;
  ids.PushBack("c2c_carol");
  ids.PushBack("no prefix");
  ValueOutcome<V2TIMConversationOperationResultVector> results;
  conversations()->DeleteConversationList(ids, true, &results);
  CHECK(results.wait() == 0 && results.value.Size() == 2);
  CHECK(results.value[0].resultCode == 0 && results.value[0].conversationID == "c2c_carol");
  CHECK(results.value[1].resultCode == ERR_INVALID_PARAMETERS);
  ValueOutcome<V2TIMConversationOperationResultVector> none;
  conversations()->DeleteConversationList(V2TIMStringVector(), true, &none);
  CHECK(none.wait() == ERR_INVALID_PARAMETERS);
  CHECK(listed() == 2 && deleted.counter.count() == 1);

  CHECK(outcome_of([](V2TIMCallback *callback) {
          manager()->GetMessageManager()->ClearGroupHistoryMessage("team", callback);
        }) == 0);
  CHECK(listed() == 2);
  ValueOutcome<V2TIMConversation> team;
  conversations()->GetConversation("group_team", &team);
  CHECK(team.wait() == 0 && team.value.lastMessage == nullptr);
}

/// One outcome each, also when the end comes in between.
void many_at_once(int count, bool end) {
  std::vector<Outcome> outcomes(static_cast<size_t>(count));
  for (Outcome &outcome : outcomes)
    conversations()->PinConversation("not an id", true, &outcome);
  for (int i = 0; i < count / 10; ++i)
    conversations()->DeleteConversation(("c2c_u" + std::to_string(i)).c_str(), nullptr);
  if (end)
    manager()->UnInitSDK();
  int known = 0;
  for (Outcome &outcome : outcomes)
    known += outcome.wait() != -1000 && outcome.code != 0;
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  for (Outcome &outcome : outcomes)
    known -= outcome.counter.count() != 1;
  CHECK(known == count);
}

/// A server whose authority nobody else knows is spoken to by who was told of it.
void authorities() {
  if (std::getenv("ADIEU_TLS_URL") == nullptr)
    return; // under valgrind
  const struct {
    std::string pem;
    int code;
    size_t listed;
  } cases[] = {
      {"no certificate", ERR_INVALID_PARAMETERS, 0},
      {"", 0, 0}, // as without a network: what the device has
      {contents(environment("ADIEU_CA_CERTIFICATES")), 0, 4},
  };
  for (const auto &it : cases) {
    V2TIMSDKConfig secured = config();
    secured.initPath = environment("ADIEU_STORE") + "/" + std::to_string(&it - cases);
    secured.serverURL = environment("ADIEU_TLS_URL");
    secured.caCertificates = it.pem;
    CHECK(manager()->InitSDK(app_id(), secured));
    CHECK(log_in() == it.code);
    CHECK(it.code != 0 || listed() == it.listed);
    manager()->UnInitSDK();
  }
}

/// Ends the SDK from its own callback.
class Ending : public Outcome {
public:
  void OnSuccess() override {
    manager()->UnInitSDK();
    Outcome::OnSuccess();
  }
};

} // namespace

int main() {
  authorities();
  before_a_login();
  the_list();
  bad_ids();
  folders_are_not_conversations();
  callbacks_that_misbehave();
  deletions();
  many_at_once(10000, false);

  CHECK(outcome_of([](V2TIMCallback *callback) { manager()->Logout(callback); }) == 0);
  CHECK(manager()->GetLoginUser().Empty());
  CHECK(log_in() == 0);
  many_at_once(1000, true);

  CHECK(manager()->InitSDK(app_id(), config()) && log_in() == 0);
  Ending ending;
  conversations()->PinConversation("group_team", false, &ending);
  CHECK(ending.wait() == 0);
  CHECK(manager()->GetLoginUser().Empty());
  // The store is free once that callback has returned and the last thread has gone.
  CHECK(manager()->InitSDK(app_id(), config()));
  int code;
  while ((code = log_in()) == ERR_SDK_DB_OPEN_FAILED)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  CHECK(code == 0);
  manager()->UnInitSDK();
  std::printf("%d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
