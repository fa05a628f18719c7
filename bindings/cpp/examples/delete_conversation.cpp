// Deletes one conversation for good, with adieu.hpp.
//
//   ADIEU_USER_SIG=... delete_conversation STORE USER SERVER APP_ID CONVERSATION
#include <adieu.hpp>

#include <cstdlib>
#include <iostream>

int main(int argc, char **argv) {
  if (argc != 6)
    return std::cerr << "STORE USER SERVER APP_ID CONVERSATION\n", 2;
  adieu::Options options;
  options.store_path = argv[1]; // a folder that exists
  options.user_id = argv[2];
  options.server_url = argv[3];
  options.sdk_app_id = std::strtoull(argv[4], nullptr, 10);
  if (const char *user_sig = std::getenv("ADIEU_USER_SIG"))
    options.user_sig = user_sig;
  try {
    adieu::Client client(options);
    client.pull().get();
    client.delete_conversation(argv[5]).get();
  } catch (const adieu::Error &error) {
    return std::cerr << argv[5] << ": " << error.code() << ": " << error.what() << '\n', 1;
  }
  std::cout << argv[5] << ": deleted for good\n";
}
