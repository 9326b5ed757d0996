//! The events on their way between services that run apart, as the broker has
//! them: looked at, held up, and brought into disorder.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use async_nats::jetstream::{
    self, Context, consumer::PullConsumer, message::PublishMessage, stream::Stream,
};
use futures_util::StreamExt as _;
use rand::{RngExt as _, SeedableRng as _, seq::SliceRandom as _};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

/// What is announced, and who hears of it.
const EVENTS: &str = "roster-events-identity";
const LISTENERS: [&str; 2] = ["session", "persona"];

/// What is confirmed, and who hears of it.
const RECEIPTS: &str = "roster-receipts-identity";
const IDENTITY: &str = "identity";

/// How long a broker that is there takes to answer.
const ANSWER: Duration = Duration::from_secs(1);

/// A durable consumer's stream, and its name there.
pub const DURABLES: [(&str, &str); 3] =
    [(EVENTS, LISTENERS[0]), (EVENTS, LISTENERS[1]), (RECEIPTS, IDENTITY)];

/// How far a consumer has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The last message of its stream.
    last: u64,
    delivered: u64,
    unacknowledged: usize,
    held: bool,
}

impl Position {
    /// Whether the consumer has nothing to do.
    pub const fn is_through(self) -> bool {
        self.held || (self.delivered >= self.last && self.unacknowledged == 0)
    }
}

/// The broker, seen by somebody who may do everything.
pub struct Events {
    broker: Context,
    held: AtomicBool,
}

impl Events {
    pub fn of(broker: Context) -> Self {
        Self { broker, held: AtomicBool::new(false) }
    }

    /// How many processes ask for what a consumer is to have.
    pub async fn listening(&self, stream: &str, durable: &str) -> usize {
        let consumer: Result<PullConsumer, _> =
            self.broker.get_consumer_from_stream(durable, stream).await;
        consumer.map_or(0, |consumer| consumer.cached_info().num_waiting)
    }

    /// How far every consumer has come; nothing where the broker does not say.
    /// Those of events first: what they have confirmed is a receipt by then.
    pub async fn positions(&self) -> Option<Vec<Position>> {
        let look = async {
            let mut positions = Vec::new();
            for (stream, durable) in DURABLES {
                positions.push(self.position(stream, durable).await?);
            }
            Some(positions)
        };
        tokio::time::timeout(ANSWER, look).await.ok()?
    }

    async fn position(&self, stream: &str, durable: &str) -> Option<Position> {
        let held = stream == EVENTS && self.held.load(Ordering::SeqCst);
        let stream = self.broker.get_stream(stream).await.ok()?;
        let consumer = stream.consumer_info(durable).await.ok()?;
        Some(Position {
            last: stream.cached_info().state.last_sequence,
            delivered: consumer.delivered.stream_sequence,
            unacknowledged: consumer.num_ack_pending,
            held,
        })
    }

    /// Keeps back what the services have not received yet, until
    /// [`Events::release`].
    pub async fn hold(&self) {
        self.pause(&json!({ "pause_until": "3000-01-01T00:00:00Z" })).await;
        self.held.store(true, Ordering::SeqCst);
    }

    /// Delivers what was kept back.
    pub async fn release(&self) {
        self.held.store(false, Ordering::SeqCst);
        self.pause(&json!({})).await;
    }

    async fn pause(&self, until: &Value) {
        for listener in LISTENERS {
            let subject = format!("CONSUMER.PAUSE.{EVENTS}.{listener}");
            let answer: Value = self.broker.request(subject, until).await.unwrap();
            assert_eq!(answer["paused"] == true, until.get("pause_until").is_some(), "{answer}");
        }
    }

    /// Of what was kept back, loses a third, has a third come twice, and all of it
    /// in another order: as `seed` decides.
    pub async fn disturb(&self, seed: u64) {
        assert!(self.held.load(Ordering::SeqCst), "somebody may have received it already");
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let stream = self.broker.get_stream(EVENTS).await.unwrap();
        let before = waiting(&stream).await;
        stream.purge().await.unwrap();
        let mut after: Vec<_> = before
            .iter()
            .flat_map(|message| std::iter::repeat_n(message.clone(), rng.random_range(0..3)))
            .collect();
        after.shuffle(&mut rng);
        assert_ne!(after, before, "a disturbance that changes nothing");
        for (subject, payload) in after {
            let message = PublishMessage::build().payload(payload);
            self.broker.send_publish(subject, message).await.unwrap().await.unwrap();
        }
    }
}

/// The messages of a stream, with their subjects.
async fn waiting(stream: &Stream) -> Vec<(String, bytes::Bytes)> {
    let config = jetstream::consumer::pull::OrderedConfig::default();
    let consumer = stream.create_consumer(config).await.unwrap();
    let count = consumer.cached_info().num_pending;
    let messages = consumer.messages().await.unwrap().take(usize::try_from(count).unwrap());
    messages
        .map(|message| message.unwrap().message)
        .map(|message| (message.subject.to_string(), message.payload))
        .collect()
        .await
}
