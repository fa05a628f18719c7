/// The calls as `async`. A deletion's id comes from the form with a callback.
extension Client {
  public func deleteConversation(_ id: String) async throws {
    try await outcome { deleteConversation(id, done: $0) }
  }
  public func deleteConversation(_ id: String, options: DeleteOptions) async throws {
    try await outcome { deleteConversation(id, options: options, done: $0) }
  }
  public func clearHistory(_ id: String, options: DeleteOptions = DeleteOptions()) async throws {
    try await outcome { clearHistory(id, options: options, done: $0) }
  }
  public func deleteConversations(_ ids: [String], keepHistory: Bool = false) async throws -> [DeletionResult] {
    try await outcome { deleteConversations(ids, keepHistory: keepHistory, done: $0) }
  }
  public func pull() async throws { try await outcome { pull(done: $0) } }
  public func conversations() async throws -> [Conversation] {
    try await outcome { conversations(done: $0) }
  }
  public func history(_ id: String, before: UInt64 = 0, count: Int = 100) async throws -> [Message] {
    try await outcome { history(id, before: before, count: count, done: $0) }
  }
  public func saveMessages(_ id: String, _ messages: [NewMessage]) async throws {
    try await outcome { saveMessages(id, messages, done: $0) }
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
  public func pendingDeletions() async throws -> [PendingDeletion] {
    try await outcome { pendingDeletions(done: $0) }
  }
  public func undoDelete(_ id: DeletionID) async throws {
    try await outcome { undoDelete(id, done: $0) }
  }
  public func cancelDeletion(_ id: DeletionID) async throws {
    try await outcome { cancelDeletion(id, done: $0) }
  }
  public func retryDeletion(_ id: DeletionID) async throws {
    try await outcome { retryDeletion(id, done: $0) }
  }
  public func acknowledgeDeletion(_ id: DeletionID) async throws {
    try await outcome { acknowledgeDeletion(id, done: $0) }
  }
}

private func outcome<Value>(_ start: (@escaping (Result<Value, AdieuError>) -> Void) -> Void) async throws -> Value {
  try await withCheckedThrowingContinuation { continuation in
    start { continuation.resume(with: $0.mapError { $0 as Error }) }
  }
}
