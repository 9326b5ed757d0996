//! Pages for a browser to open.

use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, task::JoinHandle, task::JoinSet};

/// A web site on a port of its own, gone when dropped.
#[derive(Debug)]
pub struct Site {
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Site {
    /// One that answers as `pages` does.
    ///
    /// # Panics
    ///
    /// When there is no port for it.
    pub async fn new(pages: Router) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        #[expect(clippy::disallowed_methods, reason = "it ends with the site")]
        let serving = tokio::spawn(serve(listener, pages));
        Self { address, serving }
    }

    /// What browsers call it: scheme, host and port.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, pages: Router) {
    // They end with this.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let pages = TowerToHyperService::new(pages.clone());
                connections.spawn(async move {
                    let server = Builder::new(TokioExecutor::new());
                    // A browser that hangs up has seen enough.
                    let _ = server.serve_connection(TokioIo::new(stream), pages).await;
                });
            }
            Some(_ended) = connections.join_next() => {}
        }
    }
}
