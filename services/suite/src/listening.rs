//! Ports that are listened on, and the signal that ends it.

use std::{net::SocketAddr, sync::Arc};

use axum::Router;
use roster_server::{
    Limits,
    metrics::ConnectionMeter,
    serve,
    tls::{Certificates, TlsListener},
};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::{RosterConfig, StartError, encryption::Encryption};

/// The ports that have been taken, before anything else is done.
pub struct Ports {
    pub clients: TcpListener,
    pub encryption: Option<Encryption>,
    pub operators: Option<TcpListener>,
}

/// A port that is served.
#[derive(Debug)]
pub struct Listening {
    pub address: SocketAddr,
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

impl Ports {
    /// Takes them, so that nothing is made where they cannot be had.
    pub async fn take(config: &RosterConfig) -> Result<Self, StartError> {
        let encryption = Encryption::load(config)?;
        let clients = bind(config.listen).await?;
        let operators = match config.metrics_listen {
            Some(address) => Some(bind(address).await?),
            None => None,
        };
        Ok(Self { clients, encryption, operators })
    }
}

/// Takes one of them.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|error| StartError::Listen(address, error))
}

impl Listening {
    /// Serves what comes to `listener`. Not among the background tasks: those
    /// end after the last call.
    pub fn start<F>(
        listener: TcpListener,
        serve: impl FnOnce(TcpListener, CancellationToken) -> F,
    ) -> Result<Self, StartError>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let unbound = SocketAddr::from(([0, 0, 0, 0], 0));
        let address = listener.local_addr().map_err(|error| StartError::Listen(unbound, error))?;
        let stop = CancellationToken::new();
        #[expect(clippy::disallowed_methods, reason = "ended and awaited by stop()")]
        let serving = tokio::spawn(serve(listener, stop.clone()));
        Ok(Self { address, stop, serving })
    }

    /// Accepts nothing more, and waits for what has been accepted.
    pub async fn end(self) {
        self.stop.cancel();
        // An error would say that serving panicked; the panic is logged.
        let _ended = self.serving.await;
    }

    /// Ends where it stands.
    pub fn cut(self) {
        self.serving.abort();
    }
}

/// Serves `edge` to clients, encrypted where there are certificates.
pub async fn serve_clients(
    listener: TcpListener,
    edge: Router,
    certificates: Option<Arc<Certificates>>,
    limits: Limits,
    meter: ConnectionMeter,
    stop: CancellationToken,
) {
    let cut = match certificates {
        Some(certificates) => {
            let listener = TlsListener::new(listener, certificates);
            serve(listener, edge, limits, meter, stop).await
        }
        None => serve(listener, edge, limits, meter, stop).await,
    };
    tell_of_cut(cut);
}

/// Tells the log of connections that a drain did not see the end of.
pub fn tell_of_cut(connections: usize) {
    if connections > 0 {
        tracing::warn!(connections, "drain timed out, connections were cut");
    }
}

/// Completes when the process is told to end, from now on.
pub fn terminated() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
