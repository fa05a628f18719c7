// swift-tools-version:5.9
import PackageDescription

let package = Package(
  name: "Adieu",
  platforms: [.macOS(.v12), .iOS(.v15)],
  products: [.library(name: "Adieu", targets: ["Adieu"])],
  targets: [
    .systemLibrary(name: "CAdieu", pkgConfig: "adieu"),
    .target(name: "Adieu", dependencies: ["CAdieu"]),
    .executableTarget(name: "DeleteConversation", dependencies: ["Adieu"]),
    .testTarget(name: "AdieuTests", dependencies: ["Adieu"]),
  ]
)
