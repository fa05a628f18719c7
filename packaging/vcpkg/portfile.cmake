# Takes the archive that `cargo xtask dist` made: building from source would need Rust on every
# user's machine. ADIEU_ARCHIVES is the folder with the archives; a published port downloads them
# (vcpkg_download_distfile) with the checksums of SHA256SUMS.
if(VCPKG_TARGET_IS_WINDOWS)
  set(archive "adieu-${VERSION}-x86_64-windows.zip")
elseif(VCPKG_TARGET_ARCHITECTURE STREQUAL "arm64")
  set(archive "adieu-${VERSION}-aarch64-linux-gnu.tar.gz")
else()
  set(archive "adieu-${VERSION}-x86_64-linux-gnu.tar.gz")
endif()
vcpkg_extract_source_archive(source ARCHIVE "$ENV{ADIEU_ARCHIVES}/${archive}")

file(INSTALL "${source}/include/" DESTINATION "${CURRENT_PACKAGES_DIR}/include")
file(INSTALL "${source}/lib/" DESTINATION "${CURRENT_PACKAGES_DIR}/lib")
# One build serves both configurations: the interface is C, and no memory changes hands.
file(INSTALL "${source}/lib/" DESTINATION "${CURRENT_PACKAGES_DIR}/debug/lib")
if(EXISTS "${source}/bin")
  file(INSTALL "${source}/bin/" DESTINATION "${CURRENT_PACKAGES_DIR}/bin")
  file(INSTALL "${source}/bin/" DESTINATION "${CURRENT_PACKAGES_DIR}/debug/bin")
endif()
vcpkg_cmake_config_fixup(CONFIG_PATH lib/cmake/adieu)
vcpkg_fixup_pkgconfig()
vcpkg_install_copyright(FILE_LIST
  "${source}/share/licenses/adieu/LICENSE-APACHE"
  "${source}/share/licenses/adieu/LICENSE-MIT"
  "${source}/share/licenses/adieu/THIRD-PARTY.txt")
