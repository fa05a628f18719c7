//! The suites of `cargo xtask test`: what each checks, needs and runs.

use std::{ffi::OsStr, fs, process::Command, time::Duration};

use anyhow::Result;

use crate::{
    audit, bindings, built::Built, c_build, c_contract, c_programs, captured::Captured, contract,
    curl::CURL, demo_suite, exports, guard, header, lab, machine::Need, named_files, openapi,
    packages, tally::Tally, two_devices, workspace::Workspace,
};

/// One suite.
pub struct Suite {
    /// What `--only` takes.
    pub name: &'static str,
    /// What it checks.
    pub what: &'static str,
    /// Programs that it needs.
    pub needs: &'static [Need],
    /// Sentences of the contract that it proves by itself.
    pub proves: &'static [&'static str],
    /// Runs it.
    pub run: fn(&Built, &mut Captured) -> Result<Tally>,
}

const CC: Need = need("gcc", "gcc");
const CPP: Need = need("g++", "g++");
const CLANG: Need = need("clang", "clang");
const CLANGPP: Need = need("clang++", "clang");
const MAKE: Need = need("make", "make");
const BINUTILS: Need = need("readelf", "binutils");
const CHROMIUM: Need = need("chromium", "chromium");
const CHROMEDRIVER: Need = need("chromedriver", "chromium-driver");
const PKG_CONFIG: Need = need("pkg-config", "pkg-config");
const CMAKE: Need = need("cmake", "cmake");
const MESON: Need = need("meson", "meson");
const SQLITE: Need = need("/usr/include/sqlite3.h", "libsqlite3-dev");
const POSTGRES: Need = need("pg_ctlcluster", "postgresql");
const PYTHON: Need = need("python3", "python3-venv");
const OPENSSL: Need = c_contract::NEEDS[0];
const SOCAT: Need = c_contract::NEEDS[1];
const VALGRIND: Need = need("valgrind", "valgrind");

const JAVA: Need = need("javac", "default-jdk-headless");
const GOBJC: Need = need(
    "/usr/lib/gcc/x86_64-linux-gnu/12/include/objc/objc.h",
    "gobjc",
);
const GNUSTEP: Need = need("gnustep-config", "gnustep-make");
const GNUSTEP_BASE: Need = need(
    "/usr/include/GNUstep/Foundation/Foundation.h",
    "libgnustep-base-dev",
);
const BLOCKS: Need = need("/usr/include/Block.h", "libblocksruntime-dev");
const NODE: Need = need("node", "nodejs");
const NPM: Need = need("npm", "npm");
// Not a program, but a file that is found in the same way.
const NLOHMANN_JSON: Need = need("/usr/include/nlohmann/json.hpp", "nlohmann-json3-dev");

/// How the files of tests begin that are for PostgreSQL only.
const POSTGRES_ONLY: &str = "postgres";

/// Files of tests that begin so have suites of their own.
const TROUBLE: [&str; 6] = [
    "crash",
    "fault",
    "hostile",
    "model",
    "changelog",
    "security",
];

const fn need(program: &'static str, package: &'static str) -> Need {
    Need { program, package }
}

/// All of them, the quickest first.
pub const SUITES: &[Suite] = &[
    Suite {
        name: "fmt",
        what: "the sources are formatted",
        needs: &[],
        proves: &[],
        run: |built, captured| once(captured, &mut built.cargo(&["fmt", "--all", "--check"])),
    },
    Suite {
        name: "contract-doc",
        what: "every sentence of the contract has a test, or a word on what is still to come",
        needs: &[],
        proves: &[],
        run: |built, captured| contract::check(&built.workspace, captured),
    },
    Suite {
        name: "clippy",
        what: "no lint speaks up",
        needs: &[],
        proves: &[],
        run: |built, captured| {
            let arguments = [
                "clippy",
                "--workspace",
                "--all-targets",
                "--features=adieu/failpoints,adieu-server/browser",
                "--",
                "-Dwarnings",
            ];
            once(captured, &mut built.cargo(&arguments))
        },
    },
    Suite {
        name: "header",
        what: "adieu.h compiles alone as C99 to C23 and C++11 to C++23, and is what the sources say",
        needs: &[CC, CPP, CLANG, CLANGPP],
        proves: &[],
        run: |built, captured| header::check(&built.workspace, captured),
    },
    Suite {
        name: "unit",
        what: "unit tests of the library, the wire, the benchmarks and these commands",
        needs: &[],
        proves: &[],
        run: |built, captured| {
            let mut tally = Tally::default();
            for arguments in [
                &["--package=adieu", "--features=failpoints", "--lib"][..],
                &["--package=adieu-protocol", "--all-features"],
                &["--package=xtask"],
                &["--package=adieu-bench"],
            ] {
                tally += cargo_test(built, captured, arguments)?;
            }
            Ok(tally)
        },
    },
    Suite {
        name: "server",
        what: "tests of adieu-server on the embedded engine, but for the next suites",
        needs: &[],
        proves: &[],
        run: |built, captured| {
            let programs = server_tests(&built.workspace, &["sync", "console"])?;
            let mut arguments = vec!["--package=adieu-server", "--lib", "--bins"];
            arguments.extend(programs.iter().map(String::as_str));
            cargo_test(built, captured, &arguments)
        },
    },
    Suite {
        name: "sync",
        what: "live sync: long-polls, cursors, versions and the switch, and two devices in C with a \
               back end in curl, on the real server",
        needs: &[],
        proves: &["SYNC-1", "SYNC-2", "SYNC-3", "SYNC-4"],
        run: |built, captured| {
            let mut tally =
                cargo_test(built, captured, &["--package=adieu-server", "--test=sync"])?;
            match [CC, MAKE, CURL].iter().try_for_each(|need| need.meet()) {
                Ok(()) => {
                    built.release()?;
                    tally += two_devices::check(&built.workspace, captured)?;
                }
                Err(reason) => {
                    captured.note(&format!("skipped: two devices and a back end: {reason}"))?;
                    tally.skipped += 1;
                }
            }
            Ok(tally)
        },
    },
    Suite {
        name: "engines",
        what: "the same tests of adieu-server, and those of live sync, on PostgreSQL",
        needs: &[POSTGRES],
        proves: &[],
        run: |built, captured| {
            let others = ["console", "forensics", "sqlite"];
            let programs = server_tests(&built.workspace, &others)?;
            let mut arguments = vec!["--package=adieu-server"];
            arguments.extend(programs.iter().map(String::as_str));
            cargo_test_with(
                built,
                captured,
                &arguments,
                &[("ADIEU_TEST_ENGINE", "postgres")],
            )
        },
    },
    Suite {
        name: "postgres",
        what: "several processes on one PostgreSQL, killed, and what becomes of them without it",
        needs: &[POSTGRES],
        proves: &[],
        run: |built, captured| {
            let mut arguments = vec!["--package=adieu-server".to_owned()];
            arguments.extend(server_test_files(&built.workspace, |name| {
                name.starts_with(POSTGRES_ONLY)
            })?);
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            cargo_test(built, captured, &arguments)
        },
    },
    Suite {
        name: "openapi",
        what: "a hostile body on every call, made from docs/openapi.json",
        needs: &[PYTHON],
        proves: &[],
        run: |built, captured| {
            built.debug()?;
            openapi::check(&built.workspace, captured)
        },
    },
    Suite {
        name: "security",
        what: "who may do what, certificates and credentials of others, how much anybody can send, \
               what comes from elsewhere, and that SECURITY.md is true",
        needs: &[],
        proves: &[],
        run: |built, captured| {
            let mut tally = audit::check(&built.workspace, captured)?;
            tally += named_files::check(&built.workspace, "SECURITY.md", captured)?;
            tally += cargo_test(
                built,
                captured,
                &["--package=adieu-server", "--test=security"],
            )?;
            tally += contract_tests(built, captured, |name| name == "security")?;
            Ok(tally)
        },
    },
    Suite {
        name: "console",
        what: "the operator's console, over HTTP and in a real browser; pictures in target/tmp/console",
        needs: &[CHROMIUM, CHROMEDRIVER],
        proves: &[],
        run: |built, captured| {
            let arguments = [
                "--package=adieu-server",
                "--features=browser",
                "--test=console",
                "--test=browser",
            ];
            cargo_test(built, captured, &arguments)
        },
    },
    Suite {
        name: "contract",
        what: "the contract, driven through the C interface",
        needs: &[],
        proves: &[],
        run: |built, captured| {
            contract_tests(built, captured, |name| {
                TROUBLE.iter().all(|trouble| !name.starts_with(trouble))
            })
        },
    },
    Suite {
        name: "crash",
        what: "a process killed at named points, at every call on its files and 500 times at random",
        needs: &[CC],
        proves: &[],
        run: |built, captured| contract_tests(built, captured, |name| name.starts_with("crash")),
    },
    Suite {
        name: "fault",
        what: "a disk that fails, is full or is slow, at every call on the files of a store",
        needs: &[CC],
        proves: &[],
        run: |built, captured| contract_tests(built, captured, |name| name.starts_with("fault")),
    },
    Suite {
        name: "hostile",
        what: "a server that stalls, cuts, lies and floods, against every call that talks to it",
        needs: &[],
        proves: &[],
        run: |built, captured| contract_tests(built, captured, |name| name.starts_with("hostile")),
    },
    Suite {
        name: "model",
        what: "chance against a model of the whole contract, and the vendor's own list of bugs",
        needs: &[],
        proves: &[],
        run: |built, captured| {
            contract_tests(built, captured, |name| {
                name.starts_with("model") || name.starts_with("changelog")
            })
        },
    },
    Suite {
        name: "concurrency",
        what: "the steps of the library's threads in thousands of orders: queue, replies, inbox, close",
        needs: &[],
        proves: &[],
        run: |built, captured| {
            let arguments = [
                "--package=adieu",
                "--features=failpoints,shuttle",
                "--lib",
                "interleavings",
            ];
            cargo_test(built, captured, &arguments)
        },
    },
    Suite {
        name: "soak",
        what: "two devices of many accounts and a server for half a minute, with kills and outages",
        needs: &[CC],
        proves: &[],
        run: |built, captured| {
            built.debug()?;
            lab::soak::check(&built.workspace, Duration::from_secs(30), false, captured)
        },
    },
    Suite {
        name: "fuzz",
        what: "what reads input, on the inputs that were kept and for two seconds each on some like them",
        needs: &[CC],
        proves: &[],
        run: |built, captured| lab::fuzz::replay(&built.workspace, captured),
    },
    Suite {
        name: "exports",
        what: "the shared library shows the functions of the header and nothing else",
        needs: &[BINUTILS],
        proves: &["ABI-4"],
        run: |built, captured| {
            built.release()?;
            exports::check(&built.workspace, captured)
        },
    },
    Suite {
        name: "c",
        what: "the C programs build with their Makefile and work",
        needs: &[CC, MAKE],
        proves: &["CALL-6", "DUR-6"],
        run: |built, captured| {
            built.release()?;
            let release = built.workspace.release();
            let programs = c_build::build(&built.workspace, &release, "c")?;
            let mut tally =
                c_programs::check(&built.workspace, &release, &programs, &[], captured)?;
            let shown = c_programs::readme_shows_the_shortest(&built.workspace.root);
            tally.check(shown.is_ok());
            if let Err(error) = shown {
                captured.note(&format!("README: {error:#}"))?;
            }
            Ok(tally)
        },
    },
    Suite {
        name: "guard",
        what: "instructions, flushes, writes and requests of a deletion: no more than committed",
        needs: &[CC, VALGRIND],
        proves: &[],
        run: |built, captured| {
            built.release()?;
            guard::check(&built.workspace, captured)
        },
    },
    Suite {
        name: "packages",
        what: "the archive, unpacked: every way to find and link it, and how the library behaves as a guest",
        needs: &[
            CC, MAKE, BINUTILS, CLANG, PKG_CONFIG, CMAKE, MESON, SQLITE, OPENSSL, SOCAT,
        ],
        proves: &["ABI-3", "ABI-4", "ABI-5"],
        run: |built, captured| {
            built.debug()?;
            packages::check(&built.workspace, captured)
        },
    },
    Suite {
        name: "valgrind",
        what: "the C programs under memcheck: no error, no leak",
        needs: &[CC, MAKE, VALGRIND],
        proves: &[],
        run: |built, captured| {
            built.debug()?;
            // With symbols, for what valgrind has to say and for its suppressions.
            let debug = built.workspace.debug();
            let programs = c_build::build(&built.workspace, &debug, "valgrind")?;
            let runner = built.workspace.valgrind();
            let runner: Vec<&OsStr> = runner.iter().map(AsRef::as_ref).collect();
            c_programs::check(&built.workspace, &debug, &programs, &runner, captured)
        },
    },
    Suite {
        name: "cpp",
        what: "adieu.hpp and the vendor's C++ classes, the page's sample among them, with valgrind too",
        needs: &[CPP, CLANGPP, VALGRIND],
        proves: &["ABI-3"],
        run: |built, captured| {
            built.debug()?;
            bindings::check_cpp(&built.workspace, captured)
        },
    },
    Suite {
        name: "vendor-c",
        what: "the vendor's C API and the library that has it, with valgrind too",
        needs: &[CC, CPP, MAKE, BINUTILS, VALGRIND, NLOHMANN_JSON],
        proves: &[],
        run: |built, captured| {
            built.debug()?;
            bindings::check_tim(&built.workspace, captured)
        },
    },
    Suite {
        name: "node",
        what: "the addon and the package for Node.js, with its types and the page's samples",
        needs: &[CC, NODE, NPM],
        proves: &[],
        run: |built, captured| {
            built.debug()?;
            bindings::check_node(&built.workspace, captured)
        },
    },
    Suite {
        name: "java",
        what: "the jar with the vendor's classes, the page's sample among its users, under -Xcheck:jni",
        needs: &[CC, JAVA],
        proves: &[],
        run: |built, captured| {
            built.debug()?;
            bindings::check_java(&built.workspace, captured)
        },
    },
    Suite {
        name: "objc",
        what: "the vendor's Objective-C classes with GNUstep, the page's sample, ARC, with valgrind too",
        needs: &[CC, CLANG, GOBJC, GNUSTEP, GNUSTEP_BASE, BLOCKS, VALGRIND],
        proves: &[],
        run: |built, captured| {
            built.debug()?;
            bindings::check_objc(&built.workspace, captured)
        },
    },
    Suite {
        name: "swift",
        what: "the module maps, read by clang; where Swift is, the package's tests",
        needs: &[CLANG],
        proves: &[],
        run: |built, captured| {
            built.debug()?;
            bindings::check_swift(&built.workspace, captured)
        },
    },
    Suite {
        name: "demo",
        what: "the demo with its part without a network, on the log of our own and on the sample logs",
        needs: &[CC, MAKE],
        proves: &["DEL-1", "DEL-5", "DEL-7", "DUR-1", "DUR-2", "ERA-2"],
        run: |built, captured| {
            built.release()?;
            demo_suite::check(&built.workspace, captured)
        },
    },
];

/// Finds or installs what a suite needs; otherwise says what is not there.
pub fn meet_needs_of(name: &str) -> Result<(), String> {
    SUITES
        .iter()
        .filter(|suite| suite.name == name)
        .flat_map(|suite| suite.needs)
        .try_for_each(|need| need.meet())
}

/// Every test program of the server that both engines pass, but these: so that a new one is not
/// forgotten.
fn server_tests(workspace: &Workspace, but: &[&str]) -> Result<Vec<String>> {
    server_test_files(workspace, |name| {
        !name.starts_with(POSTGRES_ONLY) && !but.contains(&name)
    })
}

fn server_test_files(workspace: &Workspace, wanted: impl Fn(&str) -> bool) -> Result<Vec<String>> {
    let mut programs = Vec::new();
    for entry in fs::read_dir(workspace.root.join("server/tests"))? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        if path.is_file() && wanted(&name) {
            programs.push(format!("--test={name}"));
        }
    }
    programs.sort();
    Ok(programs)
}

fn once(captured: &mut Captured, command: &mut Command) -> Result<Tally> {
    let mut tally = Tally::default();
    tally.check(captured.run(command)?);
    Ok(tally)
}

/// The files of tests of the library whose name is one of those.
fn contract_tests(
    built: &Built,
    captured: &mut Captured,
    wanted: impl Fn(&str) -> bool,
) -> Result<Tally> {
    built.debug()?;
    let mut arguments = vec!["--package=adieu".into(), "--features=failpoints".into()];
    for file in fs::read_dir(built.workspace.root.join("tests"))? {
        let path = file?.path();
        let is_source = path.extension().is_some_and(|extension| extension == "rs");
        if let Some(name) = path.file_stem().and_then(OsStr::to_str)
            && is_source
            && wanted(name)
        {
            arguments.push(format!("--test={name}"));
        }
    }
    arguments.sort();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    cargo_test(built, captured, &arguments)
}

fn cargo_test(built: &Built, captured: &mut Captured, arguments: &[&str]) -> Result<Tally> {
    cargo_test_with(built, captured, arguments, &[])
}

fn cargo_test_with(
    built: &Built,
    captured: &mut Captured,
    arguments: &[&str],
    environment: &[(&str, &str)],
) -> Result<Tally> {
    let mut command = built.cargo(&["test", "--no-fail-fast"]);
    command
        .args(arguments)
        .env("ADIEU_LIB", built.workspace.debug().join("libadieu.so"))
        .env("ADIEU_SERVER", Workspace::server(&built.workspace.debug()))
        .envs(environment.iter().copied());
    let mut own = Captured::new()?;
    let succeeded = own.run(&mut command)?;
    let text = own.text()?;
    captured.note(&text)?;
    let mut tally = Tally::of_cargo_test(&text);
    // What did not compile, or died, counted nothing.
    if !succeeded && tally.failed == 0 {
        tally.failed = 1;
    }
    Ok(tally)
}
