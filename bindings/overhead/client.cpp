// Through adieu.hpp.
#include <adieu.hpp>

#include "rounds.hpp"

int main() {
  adieu::Options options;
  options.store_path = std::getenv("ADIEU_STORE");
  options.user_id = std::getenv("ADIEU_USER");
  options.server_url = std::getenv("ADIEU_SERVER_URL");
  options.user_sig = std::getenv("ADIEU_USER_SIG");
  options.sdk_app_id = std::strtoull(std::getenv("ADIEU_APP_ID"), nullptr, 10);
  options.live_sync = true; // as the vendor's classes do
  adieu::Client client(options);
  const auto on_success = [] { ++told; };
  const auto on_error = [](const adieu::Error &) { ++told; };
  rounds([&](const std::string &id) { client.delete_conversation(id, on_success, on_error); },
         [&](const std::string &id) { client.pin_conversation(id, true, on_success, on_error); });
}
