//! The command line.

use std::{num::NonZeroU32, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

/// The server of adieu: instant messaging whose conversations can be deleted for good.
#[derive(Debug, Parser)]
#[command(version, about)]
pub struct Cli {
    /// How log lines look; they go to standard error.
    #[arg(
        long,
        env = "ADIEU_LOG_FORMAT",
        value_enum,
        default_value = "human",
        global = true
    )]
    pub log_format: LogFormat,
    /// The least important log lines that are still written.
    #[arg(long, env = "ADIEU_LOG_LEVEL", default_value = "info", global = true)]
    pub log_level: tracing::Level,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the REST API.
    Serve(Serve),
    /// Look whether `serve` would start with the same flags: configuration, keys, store and clock.
    /// Makes the tables of a new store.
    Check(Check),
    /// Load a chat log (JSON Lines, plain or zstd) into a store; a file must not be in use by a
    /// server at the time.
    Import(Import),
    /// Move everything in one store into a new one, of whatever engine, and compare both. Stop all
    /// servers of the old one first; a migration that broke off goes on.
    Migrate(Migrate),
    /// Print a credential.
    #[command(name = "usersig")]
    UserSig(UserSig),
}

/// `serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// Where to listen, HOST:PORT; port 0 takes a free one.
    #[arg(long, env = "ADIEU_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: String,
    /// The store: sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE.
    #[arg(long, env = "ADIEU_STORE", hide_env_values = true)]
    pub store: String,
    /// The app's number (SDKAppID).
    #[arg(long, env = "ADIEU_APP_ID")]
    pub app_id: u64,
    /// File with the app's secret, the key of every credential.
    #[arg(long, env = "ADIEU_SECRET_FILE")]
    pub secret_file: PathBuf,
    /// The administrator's identifier.
    #[arg(long, env = "ADIEU_ADMIN")]
    pub admin: String,
    /// Whether deletions reach the user's other devices; kept in the store, off in a new one.
    #[arg(long, env = "ADIEU_SYNC_DELETIONS", value_enum)]
    pub sync_deletions: Option<Switch>,
    /// Most connections at a time; each waiting device is one.
    #[arg(long, env = "ADIEU_MAX_CONNECTIONS", default_value_t = 20_000)]
    pub max_connections: u64,
    /// Most requests a second of one address, and as many at once; without it, any number.
    #[arg(long, env = "ADIEU_LIMIT_ADDRESS")]
    pub limit_address: Option<NonZeroU32>,
    /// Most requests a second of one account, and as many at once; without it, any number.
    #[arg(long, env = "ADIEU_LIMIT_ACCOUNT")]
    pub limit_account: Option<NonZeroU32>,
    /// File with the operator's password for /console, 16 bytes or more; without it, only a
    /// UserSig of the administrator opens the console.
    #[arg(long, env = "ADIEU_CONSOLE_PASSWORD_FILE")]
    pub console_password_file: Option<PathBuf>,
    /// The console is reached through https: its cookie is sent over nothing else.
    #[arg(long, env = "ADIEU_BEHIND_HTTPS")]
    pub behind_https: bool,
    /// Where every deletion is reported to, by a signed POST; https, or http to this machine.
    #[arg(
        long,
        env = "ADIEU_WEBHOOK_URL",
        requires = "webhook_secret_file",
        hide_env_values = true
    )]
    pub webhook_url: Option<String>,
    /// File with the secret that the reports are signed with.
    #[arg(long, env = "ADIEU_WEBHOOK_SECRET_FILE", requires = "webhook_url")]
    pub webhook_secret_file: Option<PathBuf>,
}

/// `check`.
#[derive(Debug, Args)]
pub struct Check {
    /// What `serve` would be started with.
    #[command(flatten)]
    pub serve: Serve,
    /// Print the findings as one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// On.
    On,
    /// Off.
    Off,
}

/// `import`.
#[derive(Debug, Args)]
pub struct Import {
    /// The chat log: a JSON object a line, with conversation, sender, time and text.
    pub file: PathBuf,
    /// The store: sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE.
    #[arg(long, env = "ADIEU_STORE", hide_env_values = true)]
    pub store: String,
    /// Print the summary as one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// `migrate`.
#[derive(Debug, Args)]
pub struct Migrate {
    /// The old store: sqlite:PATH or postgres://...
    #[arg(long)]
    pub from: String,
    /// The new store.
    #[arg(long)]
    pub to: String,
    /// Print counts and digests as one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// `usersig`.
#[derive(Debug, Args)]
pub struct UserSig {
    /// The app's number (SDKAppID).
    #[arg(long, env = "ADIEU_APP_ID")]
    pub app_id: u64,
    /// File with the app's secret.
    #[arg(long, env = "ADIEU_SECRET_FILE")]
    pub secret_file: PathBuf,
    /// For which account.
    #[arg(long)]
    pub identifier: String,
    /// How long it holds, in seconds.
    #[arg(long, default_value_t = 86_400)]
    pub expire: u64,
    /// From when on it holds, in Unix seconds; default: now.
    #[arg(long)]
    pub time: Option<u64>,
}
