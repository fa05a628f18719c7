// One user at a time, logged in: what the vendor's singleton is, over an adieu::Client. Used by
// the classes of this folder and by the library of tim/.
//
// SPDX-License-Identifier: Apache-2.0 OR MIT

#ifndef ADIEU_V2TIM_SESSION_HPP
#define ADIEU_V2TIM_SESSION_HPP

#include <adieu.hpp>

#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <thread>

namespace adieu::tim {

using OnSuccess = std::function<void()>;
using OnError = std::function<void(const Error &)>;

/// The one place where what the library says becomes a number of the vendor's. Those without one
/// stay as they are.
inline int32_t vendor_code(int32_t code) {
  switch (code) {
  case ADIEU_ERR_INVALID_HANDLE:
  case ADIEU_ERR_CLOSED:
    return 6014; // not logged in (any more)
  case ADIEU_ERR_INVALID_ARGUMENT:
  case ADIEU_ERR_NOT_FOUND:
    return 6017; // invalid parameter
  case ADIEU_ERR_STORE_LOCKED:
  case ADIEU_ERR_STORE_NEWER:
  case ADIEU_ERR_STORE_DAMAGED:
  case ADIEU_ERR_STORE_PATH:
  case ADIEU_ERR_MASTER_KEY:
    return 6005; // the local database cannot be loaded
  case ADIEU_ERR_OUTCOME_UNKNOWN:
    return 9520; // sent, and no answer came
  default:
    return code;
  }
}

inline Error vendor_error(const Error &error) { return {vendor_code(error.code()), error.what()}; }

/// Whether a login may pass over it: the device shows what it has, and connects later.
inline bool is_network(int32_t code) {
  return code == 6012 || (code >= 9500 && code < 9600) || code == ADIEU_ERR_OUTCOME_UNKNOWN;
}

/// A user's folder below the one of all stores: what is not a-z, 0-9, - or _ is escaped, so that
/// no two users meet on a file system that ignores case.
inline std::string folder_of(const std::string &user) {
  static const char digits[] = "0123456789abcdef";
  std::string name;
  for (const char byte : user) {
    if ((byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '-' ||
        byte == '_') {
      name += byte;
    } else {
      const auto number = static_cast<unsigned char>(byte);
      name += '%';
      name += digits[number >> 4];
      name += digits[number & 15];
    }
  }
  return name;
}

inline std::filesystem::path utf8_path(const std::string &text) {
#ifdef __cpp_char8_t
  return std::u8string(text.begin(), text.end());
#else
  return std::filesystem::u8path(text);
#endif
}

/// Any thread.
class Session : public std::enable_shared_from_this<Session> {
public:
  /// False when it is initialised already. The options have no user yet; the stores lie below
  /// `path`.
  bool init(Options options, std::string path) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (initialised_)
      return false;
    options_ = std::move(options);
    options_.live_sync = true;
    path_ = path.empty() ? "." : std::move(path);
    initialised_ = true;
    return true;
  }

  /// Waits for the last callback, unless it is called from one. False when it was not initialised.
  bool uninit() {
    std::shared_ptr<Client> client;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      if (!initialised_)
        return false;
      initialised_ = false;
      // One that opens a store just now finds that nobody waits for it, and closes it.
      changed_.wait(lock, [&] { return !opening_ || opener_ == std::this_thread::get_id(); });
      client = std::move(client_);
      user_.clear();
    }
    if (client)
      client->close();
    return true;
  }

  void login(const std::string &user, const std::string &user_sig, OnSuccess on_success,
             OnError on_error) {
    std::unique_lock<std::mutex> lock(mutex_);
    // Told as all logins are, on another thread.
    const auto refuse = [&](int32_t code, const char *why) {
      begin([on_error, error = Error(code, why)] { on_error(error); });
    };
    if (!initialised_)
      return refuse(6013, "not initialised");
    if (opening_)
      return refuse(7501, "a login is under way");
    if (client_ && user_ != user)
      return refuse(7014, "another user is logged in; log out first");
    if (user_sig.empty())
      return refuse(70002, "the UserSig is empty");
    if (const auto client = client_) { // a newer UserSig
      lock.unlock();
      client->sign_in(user_sig);
      return pull(client, std::move(on_success), std::move(on_error));
    }
    // Opening reads the store from the disk: not on the caller's thread.
    begin([self = this, user, user_sig, on_success = std::move(on_success),
           on_error = std::move(on_error)]() mutable {
      self->open(user, user_sig, std::move(on_success), std::move(on_error));
    });
    opening_ = true;
  }

  /// Calls that are under way get their errors first.
  void logout(OnSuccess on_success, const OnError &on_error) {
    std::unique_lock<std::mutex> lock(mutex_);
    const auto client = std::move(client_);
    user_.clear();
    const bool initialised = initialised_;
    lock.unlock();
    if (!initialised)
      return on_error(Error(6013, "not initialised"));
    if (!client)
      return on_error(Error(6014, "nobody is logged in"));
    // The client lives until its last callback.
    const int32_t code =
        client->close_async([client, on_success = std::move(on_success)] { on_success(); });
    if (code != ADIEU_OK)
      on_error(vendor_error(Error(code)));
  }

  std::string user() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return user_;
  }

  bool initialised() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return initialised_;
  }

  /// NULL when nobody is logged in.
  std::shared_ptr<Client> client() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return client_;
  }

  /// Hands the client to `call`, which returns what the library does; `on_error` hears of a
  /// refusal before this returns.
  template <class Failed, class Call> void with_client(const Failed &on_error, Call &&call) const {
    const auto client = this->client();
    if (!client)
      return on_error(initialised() ? Error(6014, "nobody is logged in")
                                    : Error(6013, "not initialised"));
    const int32_t code = call(*client);
    if (code != ADIEU_OK)
      on_error(vendor_error(Error(code)));
  }

private:
  /// Runs `work` on a thread of its own, once the caller lets go of the lock. No thread ends
  /// before it is detached: winpthreads, of which MinGW makes its std::thread, may take the record
  /// of such a thread for that of another one, and detach() throws.
  template <class Work> void begin(Work work) {
    std::thread([self = shared_from_this(), work = std::move(work)]() mutable {
      { const std::lock_guard<std::mutex> detached(self->mutex_); }
      detail::contain(work);
    }).detach();
  }

  void open(const std::string &user, const std::string &user_sig, OnSuccess on_success,
            OnError on_error) {
    Options options;
    std::string path;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      opener_ = std::this_thread::get_id();
      options = options_;
      path = path_;
    }
    std::shared_ptr<Client> client;
    std::optional<Error> failed;
    try {
      options.store_path = path + '/' + folder_of(user);
      std::filesystem::create_directories(utf8_path(options.store_path));
      options.user_id = user;
      options.user_sig = user_sig;
      client = std::make_shared<Client>(options);
    } catch (const Error &error) {
      failed = vendor_error(error);
    } catch (const std::exception &error) {
      failed = Error(6022, error.what());
    }
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      opening_ = false;
      opener_ = {};
      if (client && !initialised_)
        failed = Error(6013, "the SDK was uninitialised during the login");
      if (!failed) {
        client_ = client;
        user_ = user;
      }
      changed_.notify_all();
    }
    if (failed)
      return on_error(*failed);
    pull(client, std::move(on_success), std::move(on_error));
  }

  /// Ends a login.
  void pull(const std::shared_ptr<Client> &client, OnSuccess on_success, OnError on_error) {
    const auto failed = [self = shared_from_this(), client, on_success,
                         on_error](const Error &error) {
      if (is_network(error.code()))
        return on_success();
      self->drop(client, [on_error, error] { on_error(vendor_error(error)); });
    };
    const int32_t code = client->pull(on_success, failed);
    if (code != ADIEU_OK)
      on_error(vendor_error(Error(code)));
  }

  /// Nobody is logged in after a login that failed; told when the store is free for the next one.
  void drop(const std::shared_ptr<Client> &client, OnSuccess on_dropped) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (client_ == client) {
        client_.reset();
        user_.clear();
      }
    }
    const auto closed = [client, on_dropped] { on_dropped(); };
    if (client->close_async(closed) != ADIEU_OK) // it is being closed already
      on_dropped();
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool initialised_ = false, opening_ = false;
  std::thread::id opener_;
  Options options_;
  std::string path_, user_;
  std::shared_ptr<Client> client_;
};

} // namespace adieu::tim

#endif
