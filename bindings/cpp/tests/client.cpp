// adieu.hpp, for the most part on a store without a server.
#include "check.hpp"

#include <adieu.hpp>

namespace {

adieu::Options options(uint32_t delivery = ADIEU_DELIVER_ON_LIBRARY_THREAD) {
  adieu::Options options;
  options.store_path = environment("ADIEU_STORE");
  options.user_id = "alice";
  options.delivery = delivery;
  return options;
}

template <class Call> int32_t code_of(Call &&call) {
  try {
    call();
    return 0;
  } catch (const adieu::Error &error) {
    return error.code();
  }
}

void futures() {
  auto with_listener = options();
  Counter events;
  with_listener.listener = [&](const adieu::Event &) { events.tell(); };
  adieu::Client client(with_listener);
  CHECK(code_of([] { adieu::Client again(options()); }) == ADIEU_ERR_STORE_LOCKED);
  client.save_messages("c2c_bob", {{1, 1, "bob", "a first message"}, {2, 2, "bob", "another"}})
      .get();
  CHECK(client.list_conversations().get().at(0).last_message->text == "another");
  CHECK(client.total_unread() == 2);
  CHECK(client.get_history("c2c_bob", 0, 10).get().size() == 2);
  adieu::DeletionId id;
  adieu::DeleteOptions deleting;
  deleting.deletion_id = &id;
  client.delete_conversation("c2c_bob", deleting).get();
  CHECK(client.receipt(id).cut_off == 2);
  CHECK(client.verify_erased("c2c_bob", {"a first message"}).get().found == 0);
  CHECK(events.wait(1));
  deleting.undo_ms = 60000;
  client.save_messages("c2c_carol", {{1, 1, "carol", "hello"}}).get();
  auto undone = client.delete_conversation("c2c_carol", deleting);
  CHECK(client.list_pending().get().at(0).state == ADIEU_PENDING_UNDOABLE);
  client.undo_delete(id).get();
  CHECK(code_of([&] { undone.get(); }) == ADIEU_ERR_CANCELLED);
  CHECK(client.delete_conversations({"c2c_carol", "?"}, adieu::DeleteOptions()).get().at(1).code ==
        ADIEU_ERR_INVALID_PARAMETER);
  CHECK(code_of([&] { client.delete_conversation("").get(); }) == ADIEU_ERR_INVALID_PARAMETER);
  adieu::Client moved(std::move(client));
  CHECK(client.get() == nullptr);
  CHECK(code_of([&] { client.delete_conversation("c2c_bob").get(); }) == ADIEU_ERR_INVALID_HANDLE);
  CHECK(moved.close() == ADIEU_OK);
  CHECK(code_of([&] { moved.pull().get(); }) == ADIEU_ERR_INVALID_HANDLE);
}

/// What is no certificate is said at the open.
void authorities() {
  if (std::getenv("ADIEU_TLS_URL") == nullptr)
    return; // under valgrind
  auto secured = options();
  secured.store_path += "/secured";
  std::filesystem::create_directory(secured.store_path);
  secured.server_url = environment("ADIEU_TLS_URL");
  secured.ca_certificates = "no certificate";
  CHECK(code_of([&] { adieu::Client client(secured); }) == ADIEU_ERR_INVALID_PARAMETER);
  secured.ca_certificates = contents(environment("ADIEU_CA_CERTIFICATES"));
  secured.sdk_app_id = app_id();
  secured.user_sig = environment("ADIEU_USER_SIG");
  adieu::Client client(secured);
  client.pull().get();
  CHECK(!client.list_conversations().get().empty());
}

std::atomic<int> contained{0};

/// Says when it is destroyed.
struct Token {
  explicit Token(Counter &counter) : counter_(&counter) {}
  Token(Token &&other) noexcept : counter_(std::exchange(other.counter_, nullptr)) {}
  ~Token() {
    if (counter_ != nullptr)
      counter_->tell();
  }
  Counter *counter_;
};

void callables() {
  adieu::Client client(options());
  adieu::set_exception_handler([](std::exception_ptr) noexcept { ++contained; });
  Counter destroyed, told;
  const auto ignore = [](const adieu::Error &) {};
  // Move-only, and thrown out of.
  CHECK(client.delete_conversation(
            "c2c_x", [token = Token(destroyed), &told] { told.tell(), throw 1; }, ignore) == 0);
  CHECK(destroyed.wait(1) && told.count() == 1 && contained == 1);
  // An empty std::function is an exception like any other.
  CHECK(client.pin_conversation("c2c_x", true, std::function<void()>(), ignore) == 0);
  client.list_conversations().get();
  CHECK(contained == 2);
  adieu::set_exception_handler(nullptr);
  // A refused call destroys its callables and calls none of them.
  CHECK(client.close() == ADIEU_OK);
  const int32_t refused = client.delete_conversation(
      "c2c_x", [token = Token(destroyed)] {}, ignore);
  CHECK(refused == ADIEU_ERR_INVALID_HANDLE && destroyed.count() == 2);
}

/// While a callback blocks, callers do not; what they asked for is told afterwards.
void a_callable_that_blocks() {
  adieu::Client client(options());
  Counter entered, released;
  const auto slow = [&] { entered.tell(), released.wait(1); };
  CHECK(client.pin_conversation("c2c_x", true, slow, [](const adieu::Error &) {}) == 0);
  CHECK(entered.wait(1));
  auto behind = client.delete_conversation("c2c_x");
  CHECK(behind.wait_for(blocked()) == std::future_status::timeout);
  released.tell();
  CHECK(code_of([&] { behind.get(); }) == 0);
}

/// Ten thousand at once, and the end in between: one outcome each, and with each go what its
/// callables own.
void ends() {
  Counter told, destroyed, closed;
  {
    adieu::Client client(options());
    for (int i = 0; i < 10000; ++i)
      CHECK(client.delete_conversation(
                i % 10 == 0 ? "c2c_" + std::to_string(i) : "no id",
                [&, token = Token(destroyed)] { told.tell(); },
                [&](const adieu::Error &) { told.tell(); }) == 0);
  }
  CHECK(told.count() == 10000 && destroyed.count() == 10000);
  {
    // The client goes in its own callback.
    auto client = std::make_unique<adieu::Client>(options());
    adieu::Client &it = *client;
    CHECK(it.pull([owned = std::move(client), &closed] { closed.tell(); },
                  [&](const adieu::Error &) { closed.tell(); }) == 0);
    CHECK(closed.wait(1));
  }
  const auto open = [&] { adieu::Client polled(options(ADIEU_DELIVER_BY_POLL)); };
  while (code_of(open) == ADIEU_ERR_STORE_LOCKED) // until the last thread has gone
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  adieu::Client polled(options(ADIEU_DELIVER_BY_POLL));
  const auto here = std::this_thread::get_id();
  std::thread::id there;
  auto future = polled.list_conversations();
  CHECK(polled.pin_conversation(
            "c2c_x", true, [&] { there = std::this_thread::get_id(); },
            [](const adieu::Error &) {}) == 0);
  while (polled.poll() == 0 || there == std::thread::id())
    std::this_thread::yield();
  CHECK(there == here && code_of([&] { future.get(); }) == 0);
}

} // namespace

int main() {
  CHECK(adieu::is_compatible());
  futures();
  callables();
  authorities();
  a_callable_that_blocks();
  ends();
  std::printf("%d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
