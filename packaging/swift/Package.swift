// swift-tools-version:5.9
// The C interface as a Swift module: `import CAdieu`. Put Sources/CAdieu (adieu.h and
// module.modulemap, from include/ of an archive) beside this file; the library is found by
// pkg-config. The package with Swift's own names and async calls is bindings/swift.
import PackageDescription

let package = Package(
  name: "CAdieu",
  products: [.library(name: "CAdieu", targets: ["CAdieu"])],
  targets: [.systemLibrary(name: "CAdieu", pkgConfig: "adieu")]
)
