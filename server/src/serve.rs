//! The command `serve`.

use std::{io::Write, sync::Arc, time::Duration};

use adieu_protocol::conversation_id::check_user_id;
use axum::serve::ListenerExt;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::Notify,
};

use crate::{
    Error, Result,
    app::App,
    cli::{self, Switch},
    cursor::Cursors,
    purge, routes,
    storage::{self, Account, Storage},
    user_sig,
};

/// How long requests that are being answered may take when the server stops.
const GRACE: Duration = Duration::from_secs(10);

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// What keeps the server from starting or from stopping cleanly.
pub fn run(args: &cli::Serve) -> Result<()> {
    check_user_id(&args.admin).map_err(|error| Error::BadIdentifier(error.to_string()))?;
    let signer = user_sig::signer(args.app_id, &args.secret_file)?;
    let storage = storage::open(&args.store)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Error::io("cannot start the runtime"))?;
    runtime.block_on(async {
        let app = prepare(args, signer, storage).await?;
        let served = listen(args, Arc::clone(&app)).await;
        app.storage.close().await?;
        served
    })
}

async fn prepare(
    args: &cli::Serve,
    signer: adieu_protocol::user_sig::Signer,
    storage: Arc<dyn Storage>,
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
        cursors: Cursors::new(&settings.secret),
    }))
}

async fn listen(args: &cli::Serve, app: Arc<App>) -> Result<()> {
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

    let purging = tokio::spawn(purge::run(Arc::clone(&app.storage), Arc::clone(&app.purge)));
    let stop = Arc::new(Notify::new());
    let stopping = Arc::clone(&stop);
    let listener = listener.tap_io(|connection| {
        // An answer is one small packet; it must not wait for a second one.
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY was refused");
        }
    });
    let mut serving = tokio::spawn(
        axum::serve(listener, routes::router(app))
            .with_graceful_shutdown(async move { stopping.notified().await })
            .into_future(),
    );
    let ended = tokio::select! {
        ended = &mut serving => Some(ended),
        _ = terminated.recv() => None,
        _ = tokio::signal::ctrl_c() => None,
    };
    let ended = match ended {
        Some(ended) => Some(ended),
        None => {
            tracing::info!("stopping");
            stop.notify_one();
            tokio::time::timeout(GRACE, &mut serving).await.ok()
        }
    };
    serving.abort();
    purging.abort();
    match ended {
        Some(Ok(Err(error))) => Err(Error::io("serving failed")(error)),
        // Whoever is still busy after the grace is cut off; what was answered is on the disk.
        Some(Ok(Ok(())) | Err(_)) | None => Ok(()),
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
