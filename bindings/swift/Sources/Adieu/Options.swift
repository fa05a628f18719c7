import CAdieu

/// How a client is opened; see adieu_client_options.
public struct Options: Sendable {
  /// A folder that exists.
  public var storePath: String
  public var userID: String
  public var serverURL: String?
  /// Certificates of the authorities that the server's has to come from, in PEM form; nil: the
  /// authorities of Mozilla's list.
  public var caCertificates: String?
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

  func open(_ listener: inout adieu_listener) throws -> OpaquePointer {
    var why = [CChar](repeating: 0, count: 512)
    var client: OpaquePointer?
    var raw = adieu_client_options()
    raw.struct_size = UInt32(MemoryLayout<adieu_client_options>.size)
    raw.sdk_app_id = sdkAppID
    raw.live_sync = liveSync ? 1 : 0
    let texts = [storePath, userID, serverURL, userSig, deviceID, caCertificates]
    let code = withUnsafePointer(to: &listener) { listener in
      withCStrings(texts) { texts in
        (masterKey ?? []).withUnsafeBufferPointer { key in
          raw.listener = listener
          raw.store_path = texts[0]
          raw.user_id = texts[1]
          raw.server_url = texts[2]
          raw.user_sig = texts[3]
          raw.device_id = texts[4]
          raw.ca_certificates = texts[5]
          raw.master_key = masterKey == nil ? nil : key.baseAddress
          return adieu_client_open(&raw, &client, &why, why.count)
        }
      }
    }
    guard code == ADIEU_OK, let client else {
      throw AdieuError(code, why[0] == 0 ? nil : String(cString: why))
    }
    return client
  }
}

/// What happens when the server does not carry a deletion out.
public enum Policy: UInt32, Sendable {
  /// It fails, and the device keeps all of it.
  case fail = 0
  /// Erased on this device at once, and the server asked until it has confirmed, across restarts.
  case queue = 1
  /// Erased on this device, and the server is not asked.
  case localOnly = 2
}

/// How a conversation is deleted; see adieu_delete_options.
public struct DeleteOptions: Sendable {
  public var policy = Policy.fail
  /// How long to wait for the server, in milliseconds; 0: fifteen seconds.
  public var timeoutMs: UInt32 = 0
  /// Within so many milliseconds `undoDelete` brings everything back, up to 7 days; 0: none.
  public var undoMs: UInt32 = 0
  /// The conversation only leaves the list; its messages return with it.
  public var keepHistory = false

  public init() {}

  var raw: adieu_delete_options {
    var raw = adieu_delete_options()
    raw.struct_size = UInt32(MemoryLayout<adieu_delete_options>.size)
    raw.policy = policy.rawValue
    raw.timeout_ms = timeoutMs
    raw.undo_ms = undoMs
    raw.keep_history = keepHistory ? 1 : 0
    return raw
  }
}

/// A message that the app's own transport brought; see adieu_new_message.
public struct NewMessage: Sendable {
  /// Its place in the conversation, from 1 up.
  public var position: UInt64
  /// Unix seconds.
  public var time: UInt64
  public var sender: String
  public var body: String

  public init(position: UInt64, time: UInt64, sender: String, body: String) {
    self.position = position
    self.time = time
    self.sender = sender
    self.body = body
  }
}
