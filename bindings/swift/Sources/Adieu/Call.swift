import CAdieu

typealias Done<Value> = (Result<Value, AdieuError>) -> Void

/// Who waits for an outcome. The library holds one reference until the callback.
class Waiting {
  func fail(_ error: AdieuError) {}
}

/// One call under way.
final class Call<Value>: Waiting {
  private let done: Done<Value>

  init(_ done: @escaping Done<Value>) { self.done = done }

  override func fail(_ error: AdieuError) { done(.failure(error)) }

  /// Makes a call of the library; one that is refused ends at once. Returns the library's code.
  @discardableResult
  func start(_ call: (UnsafeMutableRawPointer) -> Int32) -> Int32 {
    let reference = Unmanaged.passRetained(self)
    let code = call(reference.toOpaque())
    if code != ADIEU_OK {
      reference.release()
      fail(AdieuError(code))
    }
    return code
  }

  static func succeed(_ data: UnsafeMutableRawPointer?, _ value: Value) {
    Unmanaged<Call>.fromOpaque(data!).takeRetainedValue().done(.success(value))
  }
}

/// The C callbacks.
enum Callback {
  static let success: @convention(c) (UnsafeMutableRawPointer?) -> Void = {
    Call<Void>.succeed($0, ())
  }
  static let failure: @convention(c) (UnsafeMutableRawPointer?, Int32, UnsafePointer<CChar>?) -> Void = {
    Unmanaged<Waiting>.fromOpaque($0!).takeRetainedValue().fail(AdieuError($1, String(cString: $2!)))
  }
  static let conversations: @convention(c) (
    UnsafeMutableRawPointer?, UnsafePointer<UnsafePointer<adieu_conversation>?>?, Int
  ) -> Void = { Call.succeed($0, values($1, $2) { Conversation($0) }) }
  static let messages: @convention(c) (
    UnsafeMutableRawPointer?, UnsafePointer<UnsafePointer<adieu_message>?>?, Int
  ) -> Void = { Call.succeed($0, values($1, $2) { Message($0) }) }
  static let results: @convention(c) (
    UnsafeMutableRawPointer?, UnsafePointer<UnsafePointer<adieu_deletion_result>?>?, Int
  ) -> Void = { Call.succeed($0, values($1, $2) { DeletionResult($0) }) }
  static let pending: @convention(c) (
    UnsafeMutableRawPointer?, UnsafePointer<UnsafePointer<adieu_pending_deletion>?>?, Int
  ) -> Void = { Call.succeed($0, values($1, $2) { PendingDeletion($0) }) }

  private static func values<Raw, Value>(
    _ list: UnsafePointer<UnsafePointer<Raw>?>?, _ count: Int, _ value: (Raw) -> Value
  ) -> [Value] {
    (0..<count).map { value(list![$0]!.pointee) }
  }
}

/// Where events go, until the library's last one.
final class Listener {
  let yield: (Event) -> Void
  let finish: () -> Void

  init(yield: @escaping (Event) -> Void, finish: @escaping () -> Void) {
    self.yield = yield
    self.finish = finish
  }

  static let event: @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<adieu_event>?) -> Void = {
    Unmanaged<Listener>.fromOpaque($0!).takeUnretainedValue().yield(Event($1!.pointee))
  }
  static let destroy: @convention(c) (UnsafeMutableRawPointer?) -> Void = {
    Unmanaged<Listener>.fromOpaque($0!).takeRetainedValue().finish()
  }
}

/// Without NULs: one would cut a C string short, and no id may hold the U+0001 that stands for it.
func text(_ string: String) -> String {
  string.utf8.contains(0) ? String(string.unicodeScalars.map { $0.value == 0 ? "\u{1}" : Character($0) }) : string
}

/// Pointers to C strings, as long as `body` runs; nil stays nil.
func withCStrings<R>(_ strings: [String?], _ body: ([UnsafePointer<CChar>?]) -> R) -> R {
  var bytes: [CChar] = []
  let starts: [Int?] = strings.map { string in
    guard let string else { return nil }
    defer { bytes += text(string).utf8CString }
    return bytes.count
  }
  return bytes.withUnsafeBufferPointer { buffer in
    body(starts.map { start in start.map { buffer.baseAddress! + $0 } })
  }
}
