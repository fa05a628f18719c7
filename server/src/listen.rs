//! Connections: as many as are allowed, none of them slow for ever, all answered at the end.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, extract::ConnectInfo, http::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulConnection, GracefulShutdown},
};
use tokio::net::{TcpListener, TcpStream};
use tokio_io_timeout::TimeoutStream;
use tower_service::Service;

use crate::app::App;

/// How long the head of a request may take, and how long a connection may be idle before it.
const HEAD_TIME: Duration = Duration::from_secs(30);
/// Largest head of a request, in bytes: a UserSig with every byte of it escaped, and room.
const MAX_HEAD: usize = 64 << 10;
/// How long a client may take none of its answer.
const WRITE_TIME: Duration = Duration::from_secs(30);
/// A rest when the system has no more descriptors.
const BREATH: Duration = Duration::from_millis(100);

/// What serving takes.
pub(crate) struct Listening {
    /// Where connections come from.
    pub(crate) listener: TcpListener,
    /// Who answers.
    pub(crate) router: Router,
    /// Most connections at a time; more are closed at once.
    pub(crate) most: u64,
    /// Where they are counted.
    pub(crate) app: Arc<App>,
}

/// Accepts until `stop`, then waits for the requests that are being answered.
pub(crate) async fn serve(listening: Listening, stop: impl Future<Output = ()>) {
    let Listening {
        listener,
        router,
        most,
        app,
    } = listening;
    let metrics = &app.metrics;
    let connections = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        match accepted {
            Ok(_) if metrics.connections.get() >= most => metrics.connection_refused(),
            Ok((stream, peer)) => {
                let one = metrics.connections.one_more();
                let connection = connection(stream, peer, router.clone());
                let connection = connections.watch(connection);
                tokio::spawn(async move {
                    if let Err(error) = connection.await {
                        tracing::debug!(%error, "a connection broke off");
                    }
                    drop(one);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
    drop(listener);
    connections.shutdown().await;
}

fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
) -> impl GracefulConnection<Error = hyper::Error> {
    // An answer is one small packet; it must not wait for a second one.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY was refused");
    }
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_TIME));
    let answer = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().call(request)
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(Box::pin(stream)), answer)
}
