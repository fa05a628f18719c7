import CAdieu

/// The name of one deletion, unique for its user.
public struct DeletionID: Sendable, Hashable {
  public let bytes: [UInt8]

  init(_ it: adieu_deletion_id) { bytes = withUnsafeBytes(of: it.bytes) { Array($0) } }

  var raw: adieu_deletion_id {
    var it = adieu_deletion_id()
    withUnsafeMutableBytes(of: &it.bytes) { $0.copyBytes(from: bytes) }
    return it
  }
}

/// A deletion whose outcome is open; see adieu_pending_deletion.
public struct PendingDeletion: Sendable, Equatable {
  public enum State: UInt32, Sendable {
    /// What it takes is hidden, and it can still be undone.
    case undoable = 1
    case asking = 2
    /// The server is asked again at `nextTryMs`, or after `retryDeletion`.
    case waiting = 3
    /// The server refused: kept until `acknowledgeDeletion` or a successful `retryDeletion`.
    case refused = 4
    /// These three only in events.
    case done = 5
    case cancelled = 6
    case failed = 7
  }

  public let id: DeletionID
  public let conversationID: String
  /// nil: one that this package does not know.
  public let state: State?
  public let policy: Policy?
  /// The last position that it covers; 0 when the device knows none.
  public let cutOff: UInt64
  /// Unix milliseconds; 0 where there is none.
  public let acceptedAtMs, undoUntilMs, nextTryMs: UInt64
  /// How often the server was asked in vain, and why the last time.
  public let attempts: UInt32
  public let error: AdieuError?
  /// This device's copy is erased already.
  public let isErased: Bool

  init(_ it: adieu_pending_deletion) {
    id = DeletionID(it.deletion_id)
    conversationID = String(cString: it.conversation_id)
    state = State(rawValue: it.state)
    policy = Policy(rawValue: it.policy)
    cutOff = it.cut_off
    acceptedAtMs = it.accepted_at_ms
    undoUntilMs = it.undo_until_ms
    nextTryMs = it.next_try_ms
    attempts = it.attempts
    error = it.code == ADIEU_OK ? nil : AdieuError(it.code, String(cString: it.desc))
    isErased = it.erased != 0
  }
}
