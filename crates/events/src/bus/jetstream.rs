//! The bus of the distributed mode: streams on NATS JetStream.
//!
//! What is asked of the broker is to carry messages and to know who may
//! publish where, not to keep them: it acknowledges before they are on disk.
//! No message has an id for it to recognise repetitions by, as it would
//! swallow those that the outbox means.

mod config;
mod streams;

use std::{
    fmt,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_nats::{
    Auth, AuthError, Client, ConnectOptions, Event,
    connection::State,
    jetstream::{
        self, Context, ErrorCode,
        consumer::pull,
        context::{PublishError, PublishErrorKind},
        stream::{ConsumerError, ConsumerErrorKind},
    },
};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use roster_kernel::ServiceName;

pub use config::{NatsConfig, NatsTls};

use super::{Acknowledge, Address, Bus, BusError, Delivery, Inflow, Subscription};

/// How long the broker may take to answer.
const ANSWER: Duration = Duration::from_secs(5);

/// How long the broker may be silent until it is asked whether it lives. When it
/// has not said so by the third time, it is looked for elsewhere: a broker that a
/// network hides, without a word, is noticed within six seconds.
const PING: Duration = Duration::from_secs(2);

/// How long a broker may take to let in who connects, before another is tried.
const CONNECT: Duration = Duration::from_secs(2);

/// How long a request for messages stands before it is renewed.
const PULL: Duration = Duration::from_secs(10);

/// How often the broker shows, while nothing comes, that it has not forgotten
/// the request: twice that without a word, and it is asked anew.
const HEARTBEAT: Duration = Duration::from_secs(2);

/// Why there is no connection to be had, not even later.
#[derive(Debug, thiserror::Error)]
pub enum JetStreamError {
    /// The settings cannot be used.
    #[error("events: {0}")]
    Config(String),
    /// A file with a secret cannot be read.
    #[error("cannot read {0}")]
    Unreadable(std::path::PathBuf, #[source] std::io::Error),
    /// The connection cannot be set up.
    #[error("the broker's addresses or certificates cannot be used")]
    Unusable(#[source] async_nats::ConnectError),
}

/// Streams on a broker, one pair for each service that announces.
pub struct JetStreamBus {
    client: Client,
    context: Context,
    config: NatsConfig,
    disconnections: Arc<AtomicU64>,
}

impl fmt::Debug for JetStreamBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JetStreamBus")
            .field("servers", &self.config.servers)
            .finish_non_exhaustive()
    }
}

impl JetStreamBus {
    /// The bus of the service `name`. Does not wait for the broker, which may
    /// come later, and is looked for again for as long as it takes.
    pub async fn connect(name: &ServiceName, config: NatsConfig) -> Result<Self, JetStreamError> {
        config.validate().map_err(JetStreamError::Config)?;
        let disconnections = Arc::new(AtomicU64::new(0));
        let lost = Arc::clone(&disconnections);
        let options = options(&config)
            .await?
            .name(name)
            // Others cannot listen to the answers: it is the one place that
            // the service may subscribe to.
            .custom_inbox_prefix(format!("_INBOX.{name}"))
            .retry_on_initial_connect()
            .max_reconnects(None)
            .ping_interval(PING)
            .connection_timeout(CONNECT)
            .request_timeout(Some(ANSWER))
            .event_callback(move |event| {
                note(&event, &lost);
                std::future::ready(())
            });
        let client = options.connect(&config.servers).await.map_err(JetStreamError::Unusable)?;
        let context = jetstream::ContextBuilder::new().timeout(ANSWER).build(client.clone());
        Ok(Self { client, context, config, disconnections })
    }

    /// Whether there is a connection to the broker at this moment.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

    /// How often the connection was lost.
    #[must_use]
    pub fn disconnections(&self) -> u64 {
        self.disconnections.load(Ordering::Relaxed)
    }

    /// Makes the streams of `source`, or makes them what the settings say. For
    /// the service that announces, which alone is permitted to.
    pub async fn declare(&self, source: &ServiceName) -> Result<(), BusError> {
        self.reachable()?;
        for stream in streams::streams(source, &self.config) {
            let name = stream.name.clone();
            if let Err(error) = self.context.create_or_update_stream(stream).await {
                tracing::error!(stream = name, %error, "a stream cannot be made");
                return Err(BusError::Unavailable);
            }
        }
        Ok(())
    }

    /// Removes the durable of a consumer that is none any more. For the service
    /// that announces, which alone is permitted to. Waits for the connection, if
    /// it is only being made.
    pub async fn forget(
        &self,
        source: &ServiceName,
        consumer: &ServiceName,
    ) -> Result<(), BusError> {
        self.client.flush().await.map_err(|_| BusError::Unavailable)?;
        let subscription =
            Subscription::Events { source: source.clone(), consumer: consumer.clone() };
        let (stream, durable) = streams::place(&subscription);
        let deleted = self.context.delete_consumer_from_stream(durable.as_str(), &stream);
        match deleted.await {
            Ok(_) => Ok(()),
            Err(error) if is_absent(&error) => Ok(()),
            Err(error) => {
                tracing::warn!(stream, %error, "a consumer cannot be removed");
                Err(BusError::Unavailable)
            }
        }
    }

    /// Sends what is on its way, and ends the connection.
    pub async fn drain(&self) -> Result<(), BusError> {
        self.client.drain().await.map_err(|_| BusError::Unavailable)
    }

    /// Refuses while there is no connection: the client would keep the
    /// message, and the caller waiting.
    fn reachable(&self) -> Result<(), BusError> {
        if self.is_connected() { Ok(()) } else { Err(BusError::Unavailable) }
    }

    async fn send(&self, address: &Address, payload: Bytes) -> Result<(), PublishError> {
        let message = jetstream::message::PublishMessage::build()
            .payload(payload)
            // Never into a stream that somebody else has laid over it.
            .header("Nats-Expected-Stream", streams::stream_of(address).as_str());
        let acknowledgement = self.context.send_publish(address.to_string(), message).await?;
        acknowledgement.await?;
        Ok(())
    }
}

/// Whether there is no such consumer, or no such stream.
fn is_absent(error: &ConsumerError) -> bool {
    let absent = [ErrorCode::CONSUMER_NOT_FOUND, ErrorCode::STREAM_NOT_FOUND];
    matches!(error.kind(), ConsumerErrorKind::JetStream(it) if absent.contains(&it.error_code()))
}

async fn options(config: &NatsConfig) -> Result<ConnectOptions, JetStreamError> {
    let read = |path: &std::path::Path| match std::fs::read_to_string(path) {
        Ok(text) => Ok(text.trim().to_owned()),
        Err(error) => Err(JetStreamError::Unreadable(path.to_owned(), error)),
    };
    let is_set = |path: &std::path::Path| !path.as_os_str().is_empty();
    let mut options = if is_set(&config.password_file) {
        read(&config.password_file)?;
        with_password(config.user.clone(), config.password_file.clone())
    } else {
        ConnectOptions::new()
    };
    if is_set(&config.nkey_file) {
        options = options.nkey(read(&config.nkey_file)?);
    }
    if is_set(&config.credentials_file) {
        let path = &config.credentials_file;
        let unreadable = |error| JetStreamError::Unreadable(path.clone(), error);
        options = options.credentials_file(path).await.map_err(unreadable)?;
    }
    if is_set(&config.tls.ca) {
        options = options.add_root_certificates(config.tls.ca.clone());
    }
    if is_set(&config.tls.certificate) {
        let tls = &config.tls;
        options = options.add_client_certificate(tls.certificate.clone(), tls.key.clone());
    }
    Ok(options.require_tls(config.tls.required))
}

/// Reads the password for each connection: one that was replaced needs no restart.
fn with_password(user: String, file: PathBuf) -> ConnectOptions {
    ConnectOptions::with_auth_callback(move |_nonce| {
        let (user, password) = (user.clone(), std::fs::read_to_string(&file));
        async move {
            let password = password.map_err(AuthError::new)?;
            let mut auth = Auth::new();
            auth.username = Some(user);
            auth.password = Some(password.trim().to_owned());
            Ok(auth)
        }
    })
}

fn note(event: &Event, lost: &AtomicU64) {
    match event {
        Event::Connected => tracing::info!("connected to the broker"),
        Event::Disconnected => {
            lost.fetch_add(1, Ordering::Relaxed);
            tracing::warn!("the connection to the broker is lost");
        }
        Event::ServerError(error) => tracing::error!(%error, "refused by the broker"),
        Event::ClientError(error) => tracing::warn!(%error, "the broker cannot be reached"),
        Event::LameDuckMode | Event::Draining | Event::Closed | Event::SlowConsumer(_) => {
            tracing::info!(%event, "connection to the broker");
        }
    }
}

#[async_trait]
impl Bus for JetStreamBus {
    async fn publish(&self, address: &Address, payload: Bytes) -> Result<(), BusError> {
        self.reachable()?;
        let Err(error) = self.send(address, payload.clone()).await else { return Ok(()) };
        tracing::warn!(%address, %error, "not taken by the broker");
        match (error.kind(), address) {
            (PublishErrorKind::MaxPayloadExceeded, _) => Err(BusError::Refused),
            // A broker that came back with nothing has no streams, either.
            (PublishErrorKind::StreamNotFound, Address::Events { source }) => {
                self.declare(source).await?;
                self.send(address, payload).await.map_err(|_| BusError::Unavailable)
            }
            _later => Err(BusError::Unavailable),
        }
    }

    async fn subscribe(&self, subscription: Subscription) -> Result<Box<dyn Inflow>, BusError> {
        self.reachable()?;
        if let Subscription::Receipts { source } = &subscription {
            self.declare(source).await?;
        }
        let (stream, _) = streams::place(&subscription);
        let wanted = streams::consumer(&subscription, &self.config);
        let refused = |error: &dyn fmt::Display| {
            tracing::warn!(stream, %error, "not subscribed");
            BusError::Unavailable
        };
        let consumer = self.context.create_consumer_on_stream(wanted, stream.as_str()).await;
        let messages = consumer
            .map_err(|error| refused(&error))?
            .stream()
            // No more than are worked on: the rest is for the other replicas.
            .max_messages_per_batch(1)
            .expires(PULL)
            .heartbeat(HEARTBEAT)
            .messages()
            .await;
        Ok(Box::new(StreamInflow(messages.map_err(|error| refused(&error))?)))
    }
}

struct StreamInflow(pull::Stream);

#[async_trait]
impl Inflow for StreamInflow {
    async fn next(&mut self) -> Option<Delivery> {
        loop {
            let message = match self.0.next().await? {
                Ok(message) => message,
                Err(error) => {
                    tracing::warn!(%error, "the broker has ended a subscription");
                    return None;
                }
            };
            let (message, acker) = message.split();
            let Some(address) = streams::address(&message.subject) else {
                // Not of this subscription's subjects: nobody else wants it.
                Box::new(Acker(acker)).acknowledge().await;
                continue;
            };
            let acknowledgement = Box::new(Acker(acker));
            return Some(Delivery { address, payload: message.payload, acknowledgement });
        }
    }
}

struct Acker(jetstream::message::Acker);

#[async_trait]
impl Acknowledge for Acker {
    async fn acknowledge(self: Box<Self>) {
        if let Err(error) = self.0.ack().await {
            tracing::warn!(%error, "not acknowledged, the message will come again");
        }
    }
}
