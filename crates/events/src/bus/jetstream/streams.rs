//! The streams and consumers that the bus has on the broker.

use async_nats::jetstream::{
    consumer::{AckPolicy, DeliverPolicy, pull},
    stream::{self, DiscardPolicy, RetentionPolicy, StorageType},
};
use roster_kernel::ServiceName;

use super::NatsConfig;
use crate::{Address, Subscription};

/// The name of the stream that `address` belongs to.
pub fn stream_of(address: &Address) -> String {
    match address {
        Address::Events { source } => events(source),
        Address::Receipts { source, .. } => receipts(source),
    }
}

/// The stream of a subscription, and its consumer there.
pub fn place(subscription: &Subscription) -> (String, &ServiceName) {
    match subscription {
        Subscription::Events { source, consumer } => (events(source), consumer),
        Subscription::Receipts { source } => (receipts(source), source),
    }
}

fn events(source: &ServiceName) -> String {
    format!("roster-events-{source}")
}

fn receipts(source: &ServiceName) -> String {
    format!("roster-receipts-{source}")
}

/// Both streams of a service: what it announces, and what is answered.
pub fn streams(source: &ServiceName, config: &NatsConfig) -> [stream::Config; 2] {
    let announced = format!("roster.event.{source}");
    let answered = format!("roster.receipt.{source}.*");
    [(events(source), announced), (receipts(source), answered)].map(|(name, subject)| {
        stream::Config {
            name,
            subjects: vec![subject],
            retention: RetentionPolicy::Limits,
            // What makes room is published again: the outbox keeps it.
            discard: DiscardPolicy::Old,
            storage: StorageType::File,
            max_age: config.max_age(),
            max_bytes: i64::from(config.max_bytes),
            num_replicas: config.replicas,
            ..stream::Config::default()
        }
    })
}

/// The durable consumer of a subscription, shared by all replicas.
pub fn consumer(subscription: &Subscription, config: &NatsConfig) -> pull::Config {
    let (_, name) = place(subscription);
    let filter_subject = match subscription {
        Subscription::Events { source, .. } => format!("roster.event.{source}"),
        Subscription::Receipts { source } => format!("roster.receipt.{source}.*"),
    };
    pull::Config {
        durable_name: Some(name.to_string()),
        filter_subject,
        deliver_policy: DeliverPolicy::All,
        ack_policy: AckPolicy::Explicit,
        ack_wait: config.ack_wait(),
        // For good: what cannot be carried out is acknowledged with a receipt
        // that says so, and parked by the outbox.
        max_deliver: -1,
        max_ack_pending: i64::from(config.max_in_flight),
        ..pull::Config::default()
    }
}

/// Where a message was published; the broker has checked that its publisher
/// may publish there.
pub fn address(subject: &str) -> Option<Address> {
    let mut parts = subject.strip_prefix("roster.")?.split('.');
    let (kind, source) = (parts.next()?, ServiceName::parse(parts.next()?)?);
    let consumer = parts.next();
    match (kind, consumer, parts.next()) {
        ("event", None, None) => Some(Address::Events { source }),
        ("receipt", Some(consumer), None) => {
            Some(Address::Receipts { source, consumer: ServiceName::parse(consumer)? })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_survives_its_subject_and_nothing_else_is_one() {
        let source = ServiceName::from_static("identity");
        let consumer = ServiceName::from_static("session");
        for expected in
            [Address::Events { source: source.clone() }, Address::Receipts { source, consumer }]
        {
            assert_eq!(address(&expected.to_string()), Some(expected));
        }
        for other in [
            "roster.event",
            "roster.event.identity.session",
            "roster.receipt.identity",
            "roster.receipt.identity.session.more",
            "roster.receipt.identity.*",
            "other.event.identity",
        ] {
            assert_eq!(address(other), None, "{other}");
        }
    }
}
