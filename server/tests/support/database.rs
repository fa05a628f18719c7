//! PostgreSQL for tests: private servers in temporary folders, and databases on them.
//!
//! Where `ADIEU_TEST_ENGINE` is `postgres`, the server tests run on databases of one such server.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests; a failure is the test's"
)]

use std::{
    env, fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
};

use tokio_postgres::{Client, NoTls};

/// Of the servers in this file.
const USER: &str = "app";

/// A PostgreSQL server of our own. It and its folder go with this process, however that ends.
pub struct Node {
    folder: PathBuf,
    pub port: u16,
    /// Ends the server when it is told to by the end of its input.
    _keeper: Child,
}

/// A program of the newest PostgreSQL.
pub fn program(name: &str) -> PathBuf {
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .expect("PostgreSQL is not installed (Debian: apt-get install postgresql)")
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin").join(name)))
        })
        .filter(|(_, path)| path.is_file())
        .collect();
    found.sort();
    found.pop().expect("PostgreSQL has no programs").1
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.trim_ascii() == b"0"
}

/// PostgreSQL refuses to run as root.
fn command(name: &str) -> Command {
    let program = program(name);
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--"]).arg(program);
    command
}

fn run(command: &mut Command) {
    let done = command.stdin(Stdio::null()).output().unwrap();
    assert!(done.status.success(), "{command:?}: {done:?}");
}

impl Node {
    /// A new, empty one, with more settings.
    pub fn start(settings: &str) -> Self {
        let node = Self::prepare();
        run(command("initdb")
            .args(["-A", "trust", "-U", USER, "--no-sync", "-E", "UTF8"])
            .args(["--locale=C.UTF-8", "-D"])
            .arg(node.data()));
        node.configure(&format!(
            "listen_addresses = '127.0.0.1'\nunix_socket_directories = ''\nfsync = off\n\
             full_page_writes = off\nshared_buffers = 64MB\nmax_connections = 300\n{settings}\n"
        ));
        node.up();
        node
    }

    /// Another one that follows this one.
    pub fn standby(&self) -> Self {
        let node = Self::prepare();
        run(command("pg_basebackup")
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", USER])
            .args(["-R", "-X", "stream", "-c", "fast", "--no-sync", "-C", "-S"])
            .arg(format!("standby_{}", node.port))
            .arg("-D")
            .arg(node.data()));
        node.configure("synchronous_standby_names = ''\n");
        node.up();
        node
    }

    fn prepare() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("adieu-pg-")
            .tempdir()
            .unwrap()
            .keep();
        if is_root() {
            run(Command::new("chown").arg("postgres").arg(&folder));
        }
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        // Its input ends when this process does.
        let keeper = Command::new("sh")
            .args([
                "-c",
                "cat >/dev/null; kill -9 $(head -n 1 \"$1/data/postmaster.pid\") 2>/dev/null; \
                 sleep 0.5; rm -rf \"$1\"",
                "keeper",
            ])
            .arg(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self {
            folder,
            port,
            _keeper: keeper,
        }
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn configure(&self, settings: &str) {
        use std::io::Write;
        let mut file = fs::File::options()
            .append(true)
            .open(self.data().join("postgresql.conf"))
            .unwrap();
        write!(file, "{settings}\nport = {}\n", self.port).unwrap();
    }

    /// A file in the server's folder, which it may read.
    pub fn file(&self, name: &str, from: &Path) {
        let to = self.data().join(name);
        fs::copy(from, &to).unwrap();
        run(Command::new("chmod").arg("600").arg(&to));
        if is_root() {
            run(Command::new("chown").arg("postgres").arg(&to));
        }
    }

    /// Starts it, as it was left.
    pub fn up(&self) {
        let log = self.folder.join("log");
        run(command("pg_ctl")
            .args(["-w", "-s", "-D"])
            .arg(self.data())
            .arg("-l")
            .arg(&log)
            .arg("start"));
    }

    /// Changes settings, and starts it anew.
    pub fn restart_with(&self, settings: &str) {
        self.configure(settings);
        self.down();
        self.up();
    }

    /// As an operator stops it.
    pub fn down(&self) {
        run(command("pg_ctl")
            .args(["-w", "-s", "-m", "fast", "-D"])
            .arg(self.data())
            .arg("stop"));
    }

    /// SIGKILL.
    pub fn crash(&self) {
        let file = fs::read_to_string(self.data().join("postmaster.pid")).unwrap();
        let id = file.lines().next().unwrap().to_owned();
        run(Command::new("kill").args(["-9", &id]));
        // Its children end when they notice.
        while Path::new(&format!("/proc/{id}")).exists() {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }

    /// Makes a standby the primary.
    pub fn promote(&self) {
        run(command("pg_ctl")
            .args(["-w", "-s", "-D"])
            .arg(self.data())
            .arg("promote"));
    }

    /// Up to the slash before the database.
    pub fn address(&self) -> String {
        format!("postgres://{USER}@127.0.0.1:{}", self.port)
    }

    /// The URL of a new database.
    pub fn database(&self) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        execute(
            &format!("{}/postgres", self.address()),
            &format!("CREATE DATABASE {name}"),
        );
        format!("{}/{name}", self.address())
    }
}

/// The URL of a new database, where the tests are to run on PostgreSQL.
pub fn new() -> Option<String> {
    static NODE: LazyLock<Node> = LazyLock::new(|| Node::start(""));
    let engine = env::var("ADIEU_TEST_ENGINE").unwrap_or_default();
    match engine.as_str() {
        "" | "sqlite" => None,
        "postgres" => Some(NODE.database()),
        other => panic!("ADIEU_TEST_ENGINE is {other:?}; allowed: sqlite, postgres"),
    }
}

/// A number that the database holds.
pub fn number(url: &str, sql: &str) -> i64 {
    query(url, async |client| {
        client.query_one(sql, &[]).await.unwrap().get(0)
    })
}

/// A text that the database holds.
pub fn text(url: &str, sql: &str) -> String {
    query(url, async |client| {
        client.query_one(sql, &[]).await.unwrap().get(0)
    })
}

/// Statements, behind the server's back.
pub fn execute(url: &str, sql: &str) {
    query(url, async |client| client.batch_execute(sql).await.unwrap());
}

/// On a connection and a thread of its own: callers may be in a runtime already.
pub fn query<T: Send>(url: &str, ask: impl AsyncFn(&Client) -> T + Send + Sync) -> T {
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
                let driver = tokio::spawn(connection);
                let answer = ask(&client).await;
                driver.abort();
                answer
            })
        });
        asked.join().unwrap()
    })
}
