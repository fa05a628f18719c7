import CAdieu

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
    handle = try options.open(&listener)
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

  /// The same with options. The deletion's id, for undo and the like; nil when the call was refused.
  @discardableResult
  public func deleteConversation(
    _ id: String, options: DeleteOptions, done: @escaping (Result<Void, AdieuError>) -> Void
  ) -> DeletionID? {
    delete(id, options, done, adieu_delete_conversation_with_options)
  }

  /// Deletes the history for good; the conversation stays in the list.
  @discardableResult
  public func clearHistory(
    _ id: String, options: DeleteOptions = DeleteOptions(),
    done: @escaping (Result<Void, AdieuError>) -> Void
  ) -> DeletionID? {
    delete(id, options, done, adieu_clear_history)
  }

  /// 1 to 100 of them. With `keepHistory` they only leave the list.
  public func deleteConversations(
    _ ids: [String], keepHistory: Bool = false,
    done: @escaping (Result<[DeletionResult], AdieuError>) -> Void
  ) {
    var options = DeleteOptions()
    options.keepHistory = keepHistory
    var raw = options.raw
    withCStrings(ids) { pointers in
      // Even an empty list has an address.
      let padded = pointers + [nil]
      Call(done).start {
        adieu_delete_conversations(
          handle, padded, ids.count, &raw, Callback.results, Callback.failure, $0)
      }
    }
  }

  /// Pulls from the server what this device lacks.
  public func pull(done: @escaping (Result<Void, AdieuError>) -> Void) {
    Call(done).start { adieu_pull(handle, Callback.success, Callback.failure, $0) }
  }

  /// What is pinned, then the rest, each the newest first.
  public func conversations(done: @escaping (Result<[Conversation], AdieuError>) -> Void) {
    Call(done).start {
      adieu_list_conversations(handle, Callback.conversations, Callback.failure, $0)
    }
  }

  /// At most `count` messages (1 to 1,000) with positions below `before`, the newest first; 0 begins
  /// at the newest.
  public func history(
    _ id: String, before: UInt64 = 0, count: Int = 100,
    done: @escaping (Result<[Message], AdieuError>) -> Void
  ) {
    Call(done).start {
      adieu_get_history(handle, text(id), before, count, Callback.messages, Callback.failure, $0)
    }
  }

  /// Saves messages that the app's own transport brought: 1 to 10,000, all or none.
  public func saveMessages(
    _ id: String, _ messages: [NewMessage], done: @escaping (Result<Void, AdieuError>) -> Void
  ) {
    withCStrings(messages.flatMap { [$0.sender, $0.body] }) { texts in
      var raw = messages.enumerated().map { index, message in
        var raw = adieu_new_message()
        raw.struct_size = UInt32(MemoryLayout<adieu_new_message>.size)
        raw.position = message.position
        raw.time = message.time
        raw.sender = texts[2 * index]
        raw.body = texts[2 * index + 1]
        return raw
      }
      raw.append(adieu_new_message())  // even an empty list has an address
      Call(done).start {
        adieu_save_messages(
          handle, text(id), raw, messages.count, Callback.success, Callback.failure, $0)
      }
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

  /// Deletions whose outcome is open, the oldest first.
  public func pendingDeletions(done: @escaping (Result<[PendingDeletion], AdieuError>) -> Void) {
    Call(done).start { adieu_list_pending(handle, Callback.pending, Callback.failure, $0) }
  }

  /// Brings back what a deletion within its undo window has hidden; its own call ends with
  /// ADIEU_ERR_CANCELLED.
  public func undoDelete(_ id: DeletionID, done: @escaping (Result<Void, AdieuError>) -> Void) {
    about(id, done, adieu_undo_delete)
  }

  /// Takes a deletion back that has not begun.
  public func cancelDeletion(_ id: DeletionID, done: @escaping (Result<Void, AdieuError>) -> Void) {
    about(id, done, adieu_cancel_deletion)
  }

  /// Asks the server again now; success means that it is being asked.
  public func retryDeletion(_ id: DeletionID, done: @escaping (Result<Void, AdieuError>) -> Void) {
    about(id, done, adieu_retry_deletion)
  }

  /// Takes note of a deletion that the server refused: it is not pending any more.
  public func acknowledgeDeletion(_ id: DeletionID, done: @escaping (Result<Void, AdieuError>) -> Void) {
    about(id, done, adieu_acknowledge_deletion)
  }

  private func delete(
    _ id: String, _ options: DeleteOptions, _ done: @escaping Done<Void>,
    _ call: (
      OpaquePointer?, UnsafePointer<CChar>?, UnsafePointer<adieu_delete_options>?,
      adieu_success_callback?, adieu_error_callback?, UnsafeMutableRawPointer?
    ) -> Int32
  ) -> DeletionID? {
    var made = adieu_deletion_id()
    let code = withUnsafeMutablePointer(to: &made) { made in
      var raw = options.raw
      raw.deletion_id = made
      return Call(done).start {
        call(handle, text(id), &raw, Callback.success, Callback.failure, $0)
      }
    }
    return code == ADIEU_OK ? DeletionID(made) : nil
  }

  private func about(
    _ id: DeletionID, _ done: @escaping Done<Void>,
    _ call: (
      OpaquePointer?, UnsafePointer<adieu_deletion_id>?, adieu_success_callback?,
      adieu_error_callback?, UnsafeMutableRawPointer?
    ) -> Int32
  ) {
    var raw = id.raw
    Call(done).start { call(handle, &raw, Callback.success, Callback.failure, $0) }
  }
}

private func check(_ code: Int32) throws {
  if code != ADIEU_OK { throw AdieuError(code) }
}
