//! The command `check`: whether a server would start with this configuration, and what is wrong
//! if it would not.

use std::{net::ToSocketAddrs, path::Path};

use adieu_protocol::conversation_id::check_user_id;
use serde::Serialize;

use crate::{
    Error, Result, cli,
    console::Console,
    storage,
    user_sig::{signer, unix_now},
    webhook::Webhook,
};

/// The difference of clocks that is pointed out, in seconds.
const SKEW: u64 = 5;
/// The shortest secret that nobody guesses, in bytes.
const SHORTEST: usize = 16;

/// What was looked at.
#[derive(Serialize)]
struct Finding {
    what: &'static str,
    ok: bool,
    said: String,
}

/// Looks at everything, prints what it found and fails if anything is wrong.
///
/// # Errors
/// [`Error::Store`], where something is wrong.
pub fn run(args: &cli::Check) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(Error::io("cannot start the runtime"))?;
    let mut found = configuration(&args.serve);
    found.push(keys(&args.serve));
    found.extend(runtime.block_on(database(&args.serve)));
    runtime.shutdown_background();
    if args.json {
        println!("{}", serde_json::json!({ "checks": found }));
    } else {
        for one in &found {
            let mark = if one.ok { "ok   " } else { "WRONG" };
            println!("{mark} {:<14} {}", one.what, one.said);
        }
    }
    match found.iter().filter(|one| !one.ok).count() {
        0 => Ok(()),
        wrong => Err(Error::Store(format!(
            "{wrong} of {} checks failed",
            found.len()
        ))),
    }
}

fn finding(what: &'static str, outcome: Result<String>) -> Finding {
    let ok = outcome.is_ok();
    let said = outcome.unwrap_or_else(|error| error.to_string());
    Finding { what, ok, said }
}

fn configuration(args: &cli::Serve) -> Vec<Finding> {
    let admin = check_user_id(&args.admin)
        .map(|()| args.admin.clone())
        .map_err(|error| Error::BadIdentifier(error.to_string()));
    let listen = args
        .listen
        .to_socket_addrs()
        .map(|_| args.listen.clone())
        .map_err(Error::io(format!("cannot listen on {}", args.listen)));
    let console = Console::new(args).map(|_| match args.console_password_file {
        Some(_) => "a password, or a UserSig of the administrator".to_owned(),
        None => "a UserSig of the administrator".to_owned(),
    });
    let webhook = Webhook::new(args).map(|webhook| match webhook {
        Some(_) => "deletions are reported".to_owned(),
        None => "none".to_owned(),
    });
    vec![
        finding("administrator", admin),
        finding("address", listen),
        finding("console", console),
        finding("webhook", webhook),
    ]
}

fn keys(args: &cli::Serve) -> Finding {
    let checked = signer(args.app_id, &args.secret_file).and_then(|signer| {
        let now = unix_now();
        signer.verify(&signer.sign(&args.admin, now, 60), &args.admin, now)?;
        let secret = crate::user_sig::secret(&args.secret_file)?;
        if secret.len() < SHORTEST {
            return Err(Error::Store(format!(
                "the secret has {} bytes; fewer than {SHORTEST} can be guessed",
                secret.len()
            )));
        }
        others_cannot_read(&args.secret_file)?;
        Ok(format!(
            "credentials of the app {} are made and hold",
            args.app_id
        ))
    });
    finding("secret", checked)
}

#[cfg(unix)]
fn others_cannot_read(file: &Path) -> Result<()> {
    use std::os::unix::fs::MetadataExt;
    let mode = std::fs::metadata(file)
        .map_err(Error::io(format!("cannot look at {}", file.display())))?
        .mode();
    if mode & 0o007 == 0 {
        Ok(())
    } else {
        Err(Error::Store(format!(
            "everybody may read {}; chmod o= takes that away",
            file.display()
        )))
    }
}

#[cfg(not(unix))]
fn others_cannot_read(_: &Path) -> Result<()> {
    Ok(())
}

async fn database(args: &cli::Serve) -> Vec<Finding> {
    let storage = match storage::open(&args.store).await {
        Ok(storage) => storage,
        Err(error) => return vec![finding("store", Err(error))],
    };
    let belongs = match storage.settings().await {
        Ok(settings) => match settings.app_id {
            Some(bound) if bound != args.app_id => Err(Error::Store(format!(
                "the store belongs to the app {bound}; it cannot serve the app {}",
                args.app_id
            ))),
            Some(bound) => Ok(format!("of the app {bound}")),
            None => Ok("new; the first server binds it to its app".to_owned()),
        },
        Err(error) => Err(error),
    };
    let (mut found, standing) = (vec![finding("store", belongs)], storage.standing().await);
    match standing {
        Ok(standing) => {
            let size = format!(
                "{} MiB, {} conversations for the purge to look at",
                standing.bytes >> 20,
                standing.purge_backlog
            );
            found.push(finding("size", Ok(size)));
            if let Some(time) = standing.time {
                found.push(finding("clock", clock(time)));
            }
        }
        Err(error) => found.push(finding("size", Err(error))),
    }
    let _ = storage.close().await;
    found
}

/// Credentials expire, and messages are dated, by the clock of whichever process is asked.
fn clock(theirs: u64) -> Result<String> {
    let apart = unix_now().abs_diff(theirs);
    if apart <= SKEW {
        Ok("this machine and the database agree on the time".to_owned())
    } else {
        Err(Error::Store(format!(
            "this machine and the database are {apart} seconds apart; let both follow NTP"
        )))
    }
}
