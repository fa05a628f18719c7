//! What is promised and measured, but by other commands: they need toolchains, archives or minutes
//! that this one does not have.

/// A measure, and who takes it.
pub struct Elsewhere {
    /// What is measured.
    pub what: &'static str,
    /// What is promised of it.
    pub goal: &'static str,
    /// How to measure it.
    pub command: &'static str,
}

/// All of them.
pub const ELSEWHERE: &[Elsewhere] = &[
    Elsewhere {
        what: "a call through each wrapper, by one through the C interface",
        goal: "C++ <= 1.1x, Objective-C <= 1.5x, Java <= 3x, Node.js <= 3x",
        command: "cargo xtask overhead",
    },
    Elsewhere {
        what: "libadieu.so of an archive, stripped",
        goal: "<= 3.0 MB",
        command: "cargo xtask dist --check",
    },
    Elsewhere {
        what: "from the archive to a first deletion, with gcc alone",
        goal: "<= 5 commands",
        command: "README.md, \"Install\"",
    },
    Elsewhere {
        what: "memory and processor of a server with 10,000 idle long-polls",
        goal: "<= 300 MB, <= 2 % of a core",
        command: "cargo test --release -p adieu-server --test sync ten_thousand -- --nocapture",
    },
    Elsewhere {
        what: "what is lost or doubled while one of three servers is killed every two seconds",
        goal: "nothing in five minutes",
        command: "ADIEU_KILL_SECONDS=300 cargo test -p adieu-server --test postgres_kill -- --nocapture",
    },
    Elsewhere {
        what: "instructions and system calls of a deletion, by the committed ones",
        goal: "<= 1.2x; not one flush or send more",
        command: "cargo xtask guard",
    },
];
