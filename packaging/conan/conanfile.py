"""Packages the archive that `cargo xtask dist` made; ADIEU_ARCHIVES is the folder with it."""
import os

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.files import copy, unzip

ARCHIVES = {
    ("Linux", "x86_64"): "x86_64-linux-gnu.tar.gz",
    ("Linux", "armv8"): "aarch64-linux-gnu.tar.gz",
    ("Windows", "x86_64"): "x86_64-windows.zip",
}


class Adieu(ConanFile):
    name = "adieu"
    version = "0.1.0"
    description = "Deletes instant-messaging conversations for good"
    license = "Apache-2.0 OR MIT"
    package_type = "library"
    settings = "os", "arch"
    options = {"shared": [True, False]}
    default_options = {"shared": True}

    def validate(self):
        if (str(self.settings.os), str(self.settings.arch)) not in ARCHIVES:
            raise ConanInvalidConfiguration("there is no archive for this platform")
        if self.settings.os == "Windows" and not self.options.shared:
            raise ConanInvalidConfiguration("on Windows there is the DLL only")

    def build(self):
        archive = ARCHIVES[str(self.settings.os), str(self.settings.arch)]
        path = os.path.join(os.environ["ADIEU_ARCHIVES"], f"adieu-{self.version}-{archive}")
        unzip(self, path, strip_root=True)

    def package(self):
        copy(self, "*", os.path.join(self.build_folder, "include"), os.path.join(self.package_folder, "include"))
        copy(self, "*", os.path.join(self.build_folder, "share", "licenses", "adieu"), os.path.join(self.package_folder, "licenses"))
        if self.settings.os == "Windows":
            wanted = ["adieu.lib", "libadieu.dll.a"]
        else:
            wanted = ["libadieu.so*"] if self.options.shared else ["libadieu.a"]
        for name in wanted:
            copy(self, name, os.path.join(self.build_folder, "lib"), os.path.join(self.package_folder, "lib"))
        copy(self, "*.dll", os.path.join(self.build_folder, "bin"), os.path.join(self.package_folder, "bin"))

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "adieu")
        self.cpp_info.set_property("cmake_target_name", "adieu::adieu" if self.options.shared else "adieu::static")
        self.cpp_info.set_property("pkg_config_name", "adieu")
        self.cpp_info.libs = ["adieu"]
        if not self.options.shared:
            self.cpp_info.defines = ["ADIEU_STATIC"]
            self.cpp_info.system_libs = ["gcc_s", "pthread", "m", "dl"]
