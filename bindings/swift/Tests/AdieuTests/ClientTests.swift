import Foundation
import XCTest

@testable import Adieu

/// On a store without a server.
final class ClientTests: XCTestCase {
  private var folder: URL!

  override func setUpWithError() throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  override func tearDownWithError() throws { try FileManager.default.removeItem(at: folder) }

  private func open() throws -> Client { try Client(Options(storePath: folder.path, userID: "alice")) }

  private func code(_ body: () async throws -> Void) async -> Int32 {
    do {
      try await body()
      return 0
    } catch { return (error as? AdieuError)?.code ?? -1000 }
  }

  func testCallsAndEvents() async throws {
    let client = try open()
    try await client.setDraft("c2c_bob", "Grüße 👋")
    let bob = try await client.conversations()
    XCTAssertEqual(bob.map(\.draft), ["Grüße 👋"])
    try await client.deleteConversation("c2c_bob")
    let none = try await client.conversations()
    XCTAssertTrue(none.isEmpty)
    let results = try await client.deleteConversations(["c2c_bob", "bob"])
    XCTAssertEqual(results.map { $0.error?.code ?? 0 }, [0, 6017])
    client.close()
    var deleted: [String] = []
    for await case .deleted(let id, _) in client.events { deleted.append(id) }
    XCTAssertEqual(deleted, ["c2c_bob"])
  }

  func testSavedAndCleared() async throws {
    let client = try open()
    try await client.saveMessages(
      "c2c_bob",
      [
        NewMessage(position: 1, time: 1, sender: "bob", body: "hello"),
        NewMessage(position: 2, time: 2, sender: "bob", body: "Grüße 👋"),
      ])
    let saved = try await client.history("c2c_bob")
    XCTAssertEqual(saved.map(\.text), ["Grüße 👋", "hello"])
    let nothing = await code { try await client.saveMessages("c2c_bob", []) }
    XCTAssertEqual(nothing, 6017)
    try await client.clearHistory("c2c_bob")
    let cleared = try await client.history("c2c_bob")
    XCTAssertTrue(cleared.isEmpty)
    let listed = try await client.conversations()
    XCTAssertEqual(listed.map(\.id), ["c2c_bob"])
    client.close()
  }

  func testUndone() async throws {
    let client = try open()
    try await client.setDraft("c2c_bob", "hello")
    var options = DeleteOptions()
    options.undoMs = 60000
    let ended = expectation(description: "ended")
    let deletion = client.deleteConversation("c2c_bob", options: options) { result in
      if case .failure(let error) = result { XCTAssertEqual(error.code, -15) } else { XCTFail("deleted") }
      ended.fulfill()
    }
    let id = try XCTUnwrap(deletion)
    let hidden = try await client.conversations()
    XCTAssertTrue(hidden.isEmpty)
    let pending = try await client.pendingDeletions()
    XCTAssertEqual(pending.map(\.id), [id])
    XCTAssertEqual(pending.map(\.state), [.undoable])
    try await client.undoDelete(id)
    await fulfillment(of: [ended], timeout: 60)
    let back = try await client.conversations()
    XCTAssertEqual(back.map(\.id), ["c2c_bob"])
    let late = await code { try await client.undoDelete(id) }
    XCTAssertEqual(late, -8)
    client.close()
    var states: [PendingDeletion.State?] = []
    for await case .pendingChanged(let pending) in client.events { states.append(pending.state) }
    XCTAssertEqual(states, [.undoable, .cancelled])
  }

  /// Nobody answers there.
  func testPendingWithoutAServer() async throws {
    var options = Options(storePath: folder.path, userID: "alice")
    options.serverURL = "http://127.0.0.1:1"
    options.sdkAppID = 1
    options.userSig = "sig"
    let client = try Client(options)
    try await client.setDraft("c2c_bob", "hello")
    var deleting = DeleteOptions()
    deleting.policy = .queue
    let id = try XCTUnwrap(client.deleteConversation("c2c_bob", options: deleting) { _ in })
    var pending: [PendingDeletion] = []
    for _ in 0..<6000 where pending.first?.state != .waiting {
      pending = try await client.pendingDeletions()
      try await Task.sleep(nanoseconds: 10_000_000)
    }
    XCTAssertEqual(pending.map(\.id), [id])
    XCTAssertEqual(pending.first?.isErased, true)
    XCTAssertEqual(pending.first?.error?.isRetryable, true)
    try await client.retryDeletion(id)
    let tooLate = await code { try await client.cancelDeletion(id) }
    XCTAssertEqual(tooLate, -9)
    let notRefused = await code { try await client.acknowledgeDeletion(id) }
    XCTAssertEqual(notRefused, 6017)
    client.close()
  }

  func testAuthorities() throws {
    var options = Options(storePath: folder.path, userID: "alice")
    options.serverURL = "https://localhost:1"
    options.caCertificates = "no certificate"
    XCTAssertThrowsError(try Client(options)) { XCTAssertEqual(($0 as? AdieuError)?.code, 6017) }
  }

  /// While a callback blocks, callers do not; what they asked for is told afterwards.
  func testACallbackThatBlocks() throws {
    let seconds = Double(ProcessInfo.processInfo.environment["ADIEU_TEST_BLOCK_SECONDS"] ?? "") ?? 0.2
    let client = try open()
    let entered = expectation(description: "entered")
    let behind = expectation(description: "behind")
    let released = DispatchSemaphore(value: 0)
    client.pinConversation("c2c_bob", true) { _ in
      entered.fulfill()
      released.wait()
    }
    wait(for: [entered], timeout: 60)
    var told = false
    client.deleteConversation("c2c_bob") { _ in
      told = true
      behind.fulfill()
    }
    Thread.sleep(forTimeInterval: seconds)
    XCTAssertFalse(told)
    released.signal()
    wait(for: [behind], timeout: 60)
    client.close()
  }

  func testBadInput() async throws {
    let client = try open()
    for id in ["", "conversationID", "c2c_", "c2c_👋", "c2c_bob\0x"] {
      let code = await code { try await client.deleteConversation(id) }
      XCTAssertEqual(code, 6017, id)
    }
    XCTAssertThrowsError(try open()) { XCTAssertEqual(($0 as? AdieuError)?.code, -10) }
    client.close()
    let code = await code { try await client.deleteConversation("c2c_bob") }
    XCTAssertEqual(code, -1)
  }

  /// One outcome each, and what the closures captured goes with them.
  func testManyAtOnceAndTheEnd() throws {
    final class Captured {
      let gone: () -> Void
      init(_ gone: @escaping () -> Void) { self.gone = gone }
      deinit { gone() }
    }
    let client = try open()
    let gone = expectation(description: "nothing is kept")
    gone.expectedFulfillmentCount = 10000
    let all = expectation(description: "one outcome each")
    all.expectedFulfillmentCount = 11000
    all.assertForOverFulfill = true
    for _ in 0..<10000 {
      let captured = Captured { gone.fulfill() }
      client.pinConversation("no id", true) { _ in withExtendedLifetime(captured) { all.fulfill() } }
    }
    for i in 0..<1000 { client.deleteConversation("c2c_\(i)") { _ in all.fulfill() } }
    client.close()
    wait(for: [all, gone], timeout: 60)
  }

  func testClosedInACallback() throws {
    let closed = expectation(description: "closed")
    var client: Client? = try open()
    client!.pinConversation("c2c_bob", true) { _ in
      client = nil
      closed.fulfill()
    }
    wait(for: [closed], timeout: 60)
  }
}
