import CAdieu

/// How a client is opened; see adieu_client_options.
public struct Options: Sendable {
  /// A folder that exists.
  public var storePath: String
  public var userID: String
  public var serverURL: String?
  public var sdkAppID: UInt64 = 0
  public var userSig: String?
  public var deviceID: String?
  /// 32 bytes from the keychain; nil: a key that the store keeps.
  public var masterKey: [UInt8]?
  public var liveSync = true

  public init(storePath: String, userID: String) {
    self.storePath = storePath
    self.userID = userID
  }
}

/// One account on one device, open. Closed when it goes. Any thread or task may call.
///
/// Callbacks come on a thread of the library; in a form with `async` the task is resumed. Cancelling
/// the task does not take a deletion back.
public final class Client: @unchecked Sendable {
  private let handle: OpaquePointer
  /// What happens, from the opening on; ended by closing. For one task.
  public let events: AsyncStream<Event>

  /// Opens it.
  public init(_ options: Options) throws {
    let version = adieu_abi_version()
    guard version >> 16 == UInt32(ADIEU_ABI_MAJOR), version & 0xffff >= UInt32(ADIEU_ABI_MINOR) else {
      throw AdieuError(ADIEU_ERR_ABI)
    }
    if let key = options.masterKey, key.count != 32 { throw AdieuError(ADIEU_ERR_INVALID_ARGUMENT) }
    var continuation: AsyncStream<Event>.Continuation!
    events = AsyncStream { continuation = $0 }
    let sink = continuation!
    let heard = Listener(yield: { sink.yield($0) }, finish: { sink.finish() })
    var listener = adieu_listener()
    listener.struct_size = UInt32(MemoryLayout<adieu_listener>.size)
    listener.on_event = Listener.event
    listener.user_data = Unmanaged.passRetained(heard).toOpaque()
    listener.user_data_destructor = Listener.destroy
    handle = try open(options, &listener)
  }

  deinit { close() }

  /// Returns when the last callback has returned; in a callback at once, and takes effect then.
  /// Again: harmless.
  public func close() { adieu_client_close(handle) }

  public static var version: String { String(cString: adieu_version()) }

  public func signIn(_ userSig: String) throws { try check(adieu_sign_in(handle, text(userSig))) }

  public func networkChanged(online: Bool) throws {
    try check(adieu_network_changed(handle, online ? 1 : 0))
  }

  public func totalUnread() throws -> UInt64 {
    var total: UInt64 = 0
    try check(adieu_total_unread(handle, &total))
    return total
  }

  // Callback forms: `done` is called exactly once. A refused call calls it before it returns.

  /// Deletes a conversation for good: from the server, then from this device.
  public func deleteConversation(_ id: String, done: @escaping (Result<Void, AdieuError>) -> Void) {
    Call(done).start {
      adieu_delete_conversation(handle, text(id), Callback.success, Callback.failure, $0)
    }
  }

  /// 1 to 100 of them. With `keepHistory` they only leave the list.
  public func deleteConversations(
    _ ids: [String], keepHistory: Bool = false,
    done: @escaping (Result<[DeletionResult], AdieuError>) -> Void
  ) {
    var options = adieu_delete_options()
    options.struct_size = UInt32(MemoryLayout<adieu_delete_options>.size)
    options.keep_history = keepHistory ? 1 : 0
    let strings = ids.map { Array(text($0).utf8CString) }
    withPointers(strings) { pointers in
      Call(done).start {
        adieu_delete_conversations(
          handle, pointers, ids.count, &options, Callback.results, Callback.noResults, $0)
      }
    }
  }

  /// Deletes the history for good; the conversation stays in the list.
  public func clearHistory(_ id: String, done: @escaping (Result<Void, AdieuError>) -> Void) {
    Call(done).start { adieu_clear_history(handle, text(id), nil, Callback.success, Callback.failure, $0) }
  }

  /// Pulls from the server what this device lacks.
  public func pull(done: @escaping (Result<Void, AdieuError>) -> Void) {
    Call(done).start { adieu_pull(handle, Callback.success, Callback.failure, $0) }
  }

  /// What is pinned, then the rest, each the newest first.
  public func conversations(done: @escaping (Result<[Conversation], AdieuError>) -> Void) {
    Call(done).start {
      adieu_list_conversations(handle, Callback.conversations, Callback.noConversations, $0)
    }
  }

  public func pinConversation(_ id: String, _ pinned: Bool, done: @escaping (Result<Void, AdieuError>) -> Void) {
    Call(done).start {
      adieu_pin_conversation(handle, text(id), pinned ? 1 : 0, Callback.success, Callback.failure, $0)
    }
  }

  public func setDraft(_ id: String, _ draft: String, done: @escaping (Result<Void, AdieuError>) -> Void) {
    Call(done).start {
      adieu_set_draft(handle, text(id), text(draft), Callback.success, Callback.failure, $0)
    }
  }

  /// Through 0: all messages that are there.
  public func markRead(_ id: String, through: UInt64 = 0, done: @escaping (Result<Void, AdieuError>) -> Void) {
    Call(done).start {
      adieu_mark_read(handle, text(id), through, Callback.success, Callback.failure, $0)
    }
  }

  // The same, as async.

  public func deleteConversation(_ id: String) async throws {
    try await outcome { deleteConversation(id, done: $0) }
  }
  public func deleteConversations(_ ids: [String], keepHistory: Bool = false) async throws -> [DeletionResult] {
    try await outcome { deleteConversations(ids, keepHistory: keepHistory, done: $0) }
  }
  public func clearHistory(_ id: String) async throws {
    try await outcome { clearHistory(id, done: $0) }
  }
  public func pull() async throws { try await outcome { pull(done: $0) } }
  public func conversations() async throws -> [Conversation] {
    try await outcome { conversations(done: $0) }
  }
  public func pinConversation(_ id: String, _ pinned: Bool) async throws {
    try await outcome { pinConversation(id, pinned, done: $0) }
  }
  public func setDraft(_ id: String, _ draft: String) async throws {
    try await outcome { setDraft(id, draft, done: $0) }
  }
  public func markRead(_ id: String, through: UInt64 = 0) async throws {
    try await outcome { markRead(id, through: through, done: $0) }
  }
}

private func check(_ code: Int32) throws {
  if code != ADIEU_OK { throw AdieuError(code) }
}

private func outcome<Value>(_ start: (@escaping (Result<Value, AdieuError>) -> Void) -> Void) async throws -> Value {
  try await withCheckedThrowingContinuation { continuation in
    start { continuation.resume(with: $0.mapError { $0 as Error }) }
  }
}

/// Pointers to C strings, as long as `body` runs.
private func withPointers<R>(_ strings: [[CChar]], _ body: ([UnsafePointer<CChar>?]) -> R) -> R {
  func next(_ index: Int, _ pointers: [UnsafePointer<CChar>?]) -> R {
    guard index < strings.count else { return body(pointers) }
    return strings[index].withUnsafeBufferPointer { next(index + 1, pointers + [$0.baseAddress]) }
  }
  return next(0, [])
}

private func withOptional<R>(_ string: String?, _ body: (UnsafePointer<CChar>?) -> R) -> R {
  guard let string else { return body(nil) }
  return text(string).withCString(body)
}

private func open(_ options: Options, _ listener: inout adieu_listener) throws -> OpaquePointer {
  var why = [CChar](repeating: 0, count: 512)
  var client: OpaquePointer?
  var raw = adieu_client_options()
  raw.struct_size = UInt32(MemoryLayout<adieu_client_options>.size)
  raw.sdk_app_id = options.sdkAppID
  raw.live_sync = options.liveSync ? 1 : 0
  let code = withUnsafePointer(to: &listener) { listener in
    withOptional(options.storePath) { path in
      withOptional(options.userID) { user in
        withOptional(options.serverURL) { url in
          withOptional(options.userSig) { sig in
            withOptional(options.deviceID) { device in
              (options.masterKey ?? []).withUnsafeBufferPointer { key in
                raw.listener = listener
                raw.store_path = path
                raw.user_id = user
                raw.server_url = url
                raw.user_sig = sig
                raw.device_id = device
                raw.master_key = options.masterKey == nil ? nil : key.baseAddress
                return adieu_client_open(&raw, &client, &why, why.count)
              }
            }
          }
        }
      }
    }
  }
  guard code == ADIEU_OK, let client else {
    throw AdieuError(code, why[0] == 0 ? nil : String(cString: why))
  }
  return client
}
