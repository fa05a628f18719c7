// swift-tools-version:5.9
// The C interface as a Swift module: `import adieu`. Put Sources/adieu (adieu.h, module.modulemap)
// beside this file, from include/ of an archive; the library is found by pkg-config.
import PackageDescription

let package = Package(
  name: "adieu",
  products: [.library(name: "adieu", targets: ["adieu"])],
  targets: [.systemLibrary(name: "adieu", path: "Sources/adieu", pkgConfig: "adieu")]
)
