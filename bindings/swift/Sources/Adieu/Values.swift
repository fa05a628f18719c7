import CAdieu

/// What went wrong: one of the ADIEU_ERR_ codes or a code of the server, and a text.
public struct AdieuError: Error, Sendable, Equatable, CustomStringConvertible {
  public let code: Int32
  public let text: String

  init(_ code: Int32, _ text: String? = nil) {
    self.code = code
    self.text = text ?? String(cString: adieu_strerror(code))
  }

  /// Whether trying the same call again can help.
  public var isRetryable: Bool { adieu_is_retryable(code) == 1 }
  public var description: String { "\(code): \(text)" }
}

public struct Message: Sendable, Equatable {
  public let position: UInt64
  /// Unix seconds.
  public let time: UInt64
  public let sender: String
  public let text: String

  init(_ it: adieu_message) {
    position = it.position
    time = it.time
    sender = String(cString: it.sender)
    text = String(cString: it.text)
  }
}

public struct Conversation: Sendable, Equatable {
  /// c2c_<user> or group_<group>.
  public let id: String
  public let title: String
  public let draft: String
  public let messageCount: UInt64
  public let unreadCount: UInt64
  public let marks: UInt64
  public let isPinned: Bool
  public let lastMessage: Message?

  init(_ it: adieu_conversation) {
    id = String(cString: it.conversation_id)
    title = String(cString: it.title)
    draft = String(cString: it.draft)
    messageCount = it.message_count
    unreadCount = it.unread_count
    marks = it.marks
    isPinned = it.pinned != 0
    lastMessage = it.last_message.map { Message($0.pointee) }
  }
}

/// What became of one conversation of a list: nil, or why it was not deleted.
public struct DeletionResult: Sendable, Equatable {
  public let id: String
  public let error: AdieuError?

  init(_ it: adieu_deletion_result) {
    id = String(cString: it.conversation_id)
    error = it.code == ADIEU_OK ? nil : AdieuError(it.code, String(cString: it.desc))
  }
}

public enum Cause: UInt32, Sendable {
  case thisDevice = 0
  case anotherDevice = 1
  case backEnd = 2
}

/// Something that happened.
public enum Event: Sendable, Equatable {
  case new(Conversation)
  case changed(Conversation)
  /// Afterwards no other event names it, unless a newer message comes.
  case deleted(id: String, cause: Cause)
  /// A deletion is pending, stands elsewhere than before, or is pending no longer.
  case pendingChanged(PendingDeletion)
  /// The server does not take the UserSig (any more).
  case signInNeeded(AdieuError)
  case syncStarted
  case syncFinished
  case syncFailed(AdieuError)
  case totalUnread(UInt64)
  /// A kind that this package does not know.
  case other(kind: UInt32)

  init(_ it: adieu_event) {
    let error = AdieuError(it.code, String(cString: it.desc))
    switch (Int32(bitPattern: it.kind), it.conversation) {
    case (ADIEU_EVENT_CONVERSATION_NEW, let conversation?):
      self = .new(Conversation(conversation.pointee))
    case (ADIEU_EVENT_CONVERSATION_CHANGED, let conversation?):
      self = .changed(Conversation(conversation.pointee))
    case (ADIEU_EVENT_CONVERSATION_DELETED, _):
      let cause = Cause(rawValue: it.cause) ?? .backEnd
      self = .deleted(id: String(cString: it.conversation_id), cause: cause)
    case (ADIEU_EVENT_PENDING_CHANGED, _) where it.pending != nil:
      self = .pendingChanged(PendingDeletion(it.pending.pointee))
    case (ADIEU_EVENT_SIGN_IN_NEEDED, _):
      self = .signInNeeded(error)
    case (ADIEU_EVENT_TOTAL_UNREAD_CHANGED, _):
      self = .totalUnread(it.total_unread)
    case (ADIEU_EVENT_SYNC_CHANGED, _):
      switch Int32(bitPattern: it.sync_state) {
      case ADIEU_SYNC_STARTED: self = .syncStarted
      case ADIEU_SYNC_FINISHED: self = .syncFinished
      default: self = .syncFailed(error)
      }
    default:
      self = .other(kind: it.kind)
    }
  }
}
