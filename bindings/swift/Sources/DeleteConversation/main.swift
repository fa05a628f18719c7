// Deletes one conversation for good.
//
//   ADIEU_USER_SIG=... swift run DeleteConversation STORE USER SERVER APP_ID CONVERSATION
import Adieu
import Foundation

let arguments = CommandLine.arguments
guard arguments.count == 6 else { fatalError("STORE USER SERVER APP_ID CONVERSATION") }
var options = Options(storePath: arguments[1], userID: arguments[2])
options.serverURL = arguments[3]
options.sdkAppID = UInt64(arguments[4]) ?? 0
options.userSig = ProcessInfo.processInfo.environment["ADIEU_USER_SIG"]
do {
  let client = try Client(options)
  try await client.pull()
  try await client.deleteConversation(arguments[5])
  print("\(arguments[5]): deleted for good")
  client.close()
} catch {
  print(error)
  exit(1)
}
