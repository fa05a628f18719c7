//! The command `serve`.

use std::{io::Write, sync::Arc, time::Duration};

use adieu_protocol::{conversation_id::check_user_id, user_sig::Signer};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::{Notify, oneshot, watch},
};

use crate::{
    Error, Result,
    app::App,
    cli::{self, Switch},
    console::Console,
    cursor::Cursors,
    devices::Devices,
    limits::Limits,
    listen::{self, Listening},
    metrics::Metrics,
    purge, routes,
    storage::{self, Account, Storage},
    user_sig,
    wake::{self, Wakes},
    webhook::{self, Webhook},
};

/// Descriptors beside those of connections.
const DESCRIPTORS: u64 = 256;
/// How long requests that are being answered may take when the server stops.
const GRACE: Duration = Duration::from_secs(10);

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// What keeps the server from starting or from stopping cleanly.
pub fn run(args: &cli::Serve) -> Result<()> {
    check_user_id(&args.admin).map_err(|error| Error::BadIdentifier(error.to_string()))?;
    let signer = user_sig::signer(args.app_id, &args.secret_file)?;
    let (console, webhook) = (Console::new(args)?, Webhook::new(args)?);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Error::io("cannot start the runtime"))?;
    let served = runtime.block_on(async {
        let storage = storage::open(&args.store).await?;
        let (stopping, stops) = watch::channel(false);
        let app = prepare(args, (signer, console, webhook), storage, stops).await?;
        let served = listen(args, Arc::clone(&app), &stopping).await;
        app.storage.close().await?;
        served
    });
    // A post of the webhook may still be under way; it is made again at the next start.
    runtime.shutdown_background();
    served
}

async fn prepare(
    args: &cli::Serve,
    (signer, console, webhook): (Signer, Console, Option<Webhook>),
    storage: Arc<dyn Storage>,
    stopping: watch::Receiver<bool>,
) -> Result<Arc<App>> {
    storage.bind_app(args.app_id).await?;
    if let Some(switch) = args.sync_deletions {
        storage.set_sync_deletions(switch == Switch::On).await?;
    }
    storage
        .import_account(Account {
            name: args.admin.clone(),
            ..Account::default()
        })
        .await?;
    let settings = storage.settings().await?;
    Ok(Arc::new(App {
        storage,
        signer,
        admin: args.admin.clone(),
        purge: Arc::new(Notify::new()),
        wakes: Arc::new(Wakes::default()),
        devices: Devices::default(),
        stopping,
        limits: Limits::new(args.limit_address, args.limit_account),
        metrics: Metrics::default(),
        console,
        webhook: webhook.map(Arc::new),
        cursors: Cursors::new(&settings.secret),
    }))
}

async fn listen(args: &cli::Serve, app: Arc<App>, stopping: &watch::Sender<bool>) -> Result<()> {
    let most = most_connections(args.max_connections);
    let mut terminated =
        signal(SignalKind::terminate()).map_err(Error::io("cannot watch for SIGTERM"))?;
    let listener = TcpListener::bind(&args.listen)
        .await
        .map_err(Error::io(format!("cannot listen on {}", args.listen)))?;
    let address = listener
        .local_addr()
        .map_err(Error::io("cannot tell the address"))?;
    announce(&address.to_string())?;
    tracing::info!(%address, app_id = args.app_id, "listening");

    let storage = &app.storage;
    let mut helpers = vec![
        tokio::spawn(purge::run(Arc::clone(storage), Arc::clone(&app.purge))),
        tokio::spawn(wake::run(
            Arc::clone(storage),
            storage.changes(),
            Arc::clone(&app.wakes),
        )),
    ];
    if let Some(webhook) = &app.webhook {
        // From before the first deletion that this server takes.
        storage.reported_through().await?;
        helpers.push(tokio::spawn(webhook::run(
            Arc::clone(&app),
            Arc::clone(webhook),
        )));
    }
    let (stop, stopped) = oneshot::channel();
    let listening = Listening {
        listener,
        router: routes::router(Arc::clone(&app)),
        most,
        app,
    };
    let mut serving = tokio::spawn(listen::serve(listening, async {
        let _ = stopped.await;
    }));
    tokio::select! {
        ended = &mut serving => tracing::error!(?ended, "serving broke off"),
        _ = terminated.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    tracing::info!("stopping");
    // First whoever waits for a change, then everybody.
    stopping.send_replace(true);
    let _ = stop.send(());
    if !serving.is_finished() && tokio::time::timeout(GRACE, &mut serving).await.is_err() {
        // What was answered is on the disk.
        tracing::warn!("requests that took too long were cut off");
        serving.abort();
    }
    for helper in helpers {
        helper.abort();
    }
    Ok(())
}

/// Each connection is a descriptor, and what the system allows is often less than one needs.
fn most_connections(wanted: u64) -> u64 {
    match rlimit::increase_nofile_limit(wanted.saturating_add(DESCRIPTORS)) {
        Ok(allowed) if allowed < wanted.saturating_add(DESCRIPTORS) => {
            let most = allowed.saturating_sub(DESCRIPTORS).max(1);
            tracing::warn!(wanted, most, "the system allows fewer connections");
            most
        }
        Ok(_) => wanted,
        Err(error) => {
            tracing::warn!(%error, "the limit of open files could not be raised");
            wanted
        }
    }
}

/// The only line on standard output: programs that start the server read the port from it.
fn announce(address: &str) -> Result<()> {
    let line = serde_json::json!({ "listening": address });
    let mut out = std::io::stdout();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .map_err(Error::io("cannot write to standard output"))
}
