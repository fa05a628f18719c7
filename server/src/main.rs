//! `adieu-server`: the command line.

use std::process::ExitCode;

use adieu_server::{
    check,
    cli::{Cli, Command, LogFormat},
    import, migrate, serve, user_sig,
};
use clap::Parser;

fn main() -> ExitCode {
    let cli = Cli::parse();
    start_logging(&cli);
    let done = match &cli.command {
        Command::Serve(args) => serve::run(args),
        Command::Check(args) => check::run(args),
        Command::Import(args) => import::run(args),
        Command::Migrate(args) => migrate::run(args),
        Command::UserSig(args) => user_sig::run(args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("adieu-server: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Standard output belongs to what a program reads; logs go to standard error.
fn start_logging(cli: &Cli) {
    let lines = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(cli.log_level);
    match cli.log_format {
        LogFormat::Human => lines
            .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
            .init(),
        LogFormat::Json => lines.json().init(),
    }
}
