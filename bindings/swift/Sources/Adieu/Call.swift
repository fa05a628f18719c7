import CAdieu

/// Who waits for an outcome. The library holds one reference until the callback.
final class Call<Value> {
  let done: (Result<Value, AdieuError>) -> Void

  init(_ done: @escaping (Result<Value, AdieuError>) -> Void) { self.done = done }

  /// Makes a call of the library; one that is refused ends at once.
  func start(_ call: (UnsafeMutableRawPointer) -> Int32) {
    let reference = Unmanaged.passRetained(self)
    let code = call(reference.toOpaque())
    if code != ADIEU_OK {
      reference.release()
      done(.failure(AdieuError(code)))
    }
  }

  static func take(_ data: UnsafeMutableRawPointer?) -> Call {
    Unmanaged<Call>.fromOpaque(data!).takeRetainedValue()
  }
}

/// The C callbacks.
enum Callback {
  static let success: @convention(c) (UnsafeMutableRawPointer?) -> Void = {
    Call<Void>.take($0).done(.success(()))
  }
  static let failure: @convention(c) (UnsafeMutableRawPointer?, Int32, UnsafePointer<CChar>?) -> Void = {
    Call<Void>.take($0).done(.failure(AdieuError($1, String(cString: $2!))))
  }
  static let conversations: @convention(c) (
    UnsafeMutableRawPointer?, UnsafePointer<UnsafePointer<adieu_conversation>?>?, Int
  ) -> Void = { data, list, count in
    let values = (0..<count).map { Conversation(list![$0]!.pointee) }
    Call<[Conversation]>.take(data).done(.success(values))
  }
  static let noConversations: @convention(c) (UnsafeMutableRawPointer?, Int32, UnsafePointer<CChar>?) -> Void = {
    Call<[Conversation]>.take($0).done(.failure(AdieuError($1, String(cString: $2!))))
  }
  static let results: @convention(c) (
    UnsafeMutableRawPointer?, UnsafePointer<UnsafePointer<adieu_deletion_result>?>?, Int
  ) -> Void = { data, list, count in
    let values = (0..<count).map { DeletionResult(list![$0]!.pointee) }
    Call<[DeletionResult]>.take(data).done(.success(values))
  }
  static let noResults: @convention(c) (UnsafeMutableRawPointer?, Int32, UnsafePointer<CChar>?) -> Void = {
    Call<[DeletionResult]>.take($0).done(.failure(AdieuError($1, String(cString: $2!))))
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
