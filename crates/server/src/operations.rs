//! What operators and their programs ask over plain HTTP, on a listener of its
//! own: `/metrics`, `/healthz` and `/readyz`.

use std::{convert::Infallible, pin::pin, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tower::Service;

use crate::{metrics::Scraper, serve::rest};

/// The most connections at the same time: a few programs ask, each over one.
const CONNECTIONS: usize = 32;

/// The most bytes of a request's head, and of what is kept for a client that
/// does not read.
const BUFFER_BYTES: usize = 16 * 1024;

/// How long the head of a request may take, waiting for it included.
const HEAD: Duration = Duration::from_secs(30);

/// How long a connection lasts at the most. Whoever asks again makes another.
const LIFETIME: Duration = Duration::from_mins(10);

/// How long the answer to the last request may take to be sent.
const PARTING: Duration = Duration::from_secs(2);

/// The content type of Prometheus' text format.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Answers of `scraper` and of `edge`, whose health is asked for as a client
/// would: what is said here is what clients are told.
pub fn routes<S>(scraper: Scraper, edge: S) -> Router
where
    S: Service<
            http::Request<tonic::body::Body>,
            Response = http::Response<Body>,
            Error = Infallible,
        > + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send,
{
    let ready = move || {
        let health = HealthClient::new(edge.clone());
        async move { readiness(is_serving(health).await) }
    };
    Router::new()
        .route("/metrics", get(metrics))
        // That it answers is the answer.
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .with_state(scraper)
}

async fn metrics(State(scraper): State<Scraper>) -> Response {
    match scraper.text() {
        Ok(text) => ([(header::CONTENT_TYPE, TEXT)], text).into_response(),
        Err(error) => {
            let error: &dyn std::error::Error = &error;
            tracing::error!(error, "metrics could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn is_serving<S>(mut health: HealthClient<S>) -> bool
where
    S: Service<
            http::Request<tonic::body::Body>,
            Response = http::Response<Body>,
            Error = Infallible,
        >,
{
    let answer = health.check(HealthCheckRequest::default()).await;
    answer.is_ok_and(|it| it.into_inner().status() == ServingStatus::Serving)
}

fn readiness(serving: bool) -> Response {
    if serving {
        "ok\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not serving\n").into_response()
    }
}

/// Serves `routes` on `listener` until `stop`. When this future is dropped,
/// connections are cut with it.
pub async fn serve(listener: TcpListener, routes: Router, stop: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _peer)) if connections.len() < CONNECTIONS => {
                    connections.spawn(connection(stream, routes.clone(), stop.clone()));
                }
                Ok(_too_many) => {}
                Err(error) => {
                    tracing::warn!(%error, "connection for operators not accepted");
                    rest(PARTING).await;
                }
            },
            Some(_ended) = connections.join_next() => {}
            () = stop.cancelled() => break,
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn connection(stream: TcpStream, routes: Router, stop: CancellationToken) {
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(BUFFER_BYTES);
    let service = TowerToHyperService::new(routes);
    let mut http = pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        // Clients that vanish or talk nonsense are everyday life.
        _ended = http.as_mut() => return,
        () = rest(LIFETIME) => {}
        () = stop.cancelled() => {}
    }
    http.as_mut().graceful_shutdown();
    tokio::select! {
        _ended = http => {}
        () = rest(PARTING) => {}
    }
}
