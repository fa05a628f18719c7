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

  func testManyAtOnceAndTheEnd() throws {
    let client = try open()
    let all = expectation(description: "one outcome each")
    all.expectedFulfillmentCount = 11000
    all.assertForOverFulfill = true
    for _ in 0..<10000 { client.pinConversation("no id", true) { _ in all.fulfill() } }
    for i in 0..<1000 { client.deleteConversation("c2c_\(i)") { _ in all.fulfill() } }
    client.close()
    wait(for: [all], timeout: 60)
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
