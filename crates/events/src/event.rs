//! Events as they travel: Protobuf messages in a CloudEvents envelope.

use std::collections::HashMap;

use prost::{Message, Name};
use prost_types::Any;
use roster_kernel::{EventId, ServiceName, Timestamp, UserId};
use roster_proto::{
    cloudevents::v1::{
        CloudEvent,
        cloud_event::{CloudEventAttributeValue, Data, cloud_event_attribute_value::Attr},
    },
    time,
};

const SPEC_VERSION: &str = "1.0";

/// Bytes that are not an event of Roster's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a well-formed event: {0}")]
pub struct InvalidEvent(pub &'static str);

/// Something that happened to a user.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Names the event; the same in every repetition.
    pub id: EventId,
    /// The service that announces it.
    pub source: ServiceName,
    /// The user it is about.
    pub subject: UserId,
    /// When it happened.
    pub time: Timestamp,
    /// The trace that it belongs to (W3C Trace Context).
    pub traceparent: Option<String>,
    /// Whom alone it is for; everybody when absent.
    pub audience: Option<ServiceName>,
    pub(crate) data: Any,
}

impl Event {
    /// An event that says `message`.
    pub fn new<M: Message + Name>(
        id: EventId,
        source: ServiceName,
        subject: UserId,
        time: Timestamp,
        message: &M,
    ) -> Self {
        let data = Any { type_url: M::type_url(), value: message.encode_to_vec() };
        Self { id, source, subject, time, traceparent: None, audience: None, data }
    }

    /// Whether it is for `consumer`, among others or alone.
    #[must_use]
    pub fn is_for(&self, consumer: &ServiceName) -> bool {
        self.audience.as_ref().is_none_or(|audience| audience == consumer)
    }

    /// The full name of the message, such as `roster.event.v1.UserDeleted`.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.data.type_url.rsplit('/').next().unwrap_or_default()
    }

    /// The message, if it is an `M`.
    #[must_use]
    pub fn message<M: Message + Name + Default>(&self) -> Option<Result<M, InvalidEvent>> {
        (self.kind() == M::full_name())
            .then(|| M::decode(&*self.data.value).map_err(|_| InvalidEvent("the message")))
    }

    /// The envelope, encoded.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut attributes = HashMap::from([
            ("subject".to_owned(), attribute(Attr::CeString(self.subject.to_string()))),
            ("time".to_owned(), attribute(Attr::CeTimestamp(time::to_proto(self.time)))),
        ]);
        if let Some(traceparent) = &self.traceparent {
            attributes
                .insert("traceparent".to_owned(), attribute(Attr::CeString(traceparent.clone())));
        }
        if let Some(audience) = &self.audience {
            let audience = attribute(Attr::CeString(audience.to_string()));
            attributes.insert("audience".to_owned(), audience);
        }
        let envelope = CloudEvent {
            id: self.id.to_string(),
            source: format!("/roster/{}", self.source),
            spec_version: SPEC_VERSION.to_owned(),
            r#type: self.kind().to_owned(),
            attributes,
            data: Some(Data::ProtoData(self.data.clone())),
        };
        envelope.encode_to_vec()
    }

    /// Reads an envelope.
    pub fn decode(bytes: &[u8]) -> Result<Self, InvalidEvent> {
        let envelope = CloudEvent::decode(bytes).map_err(|_| InvalidEvent("the envelope"))?;
        if envelope.spec_version != SPEC_VERSION {
            return Err(InvalidEvent("specversion"));
        }
        let id = EventId::parse(&envelope.id).map_err(|_| InvalidEvent("id"))?;
        let source = envelope
            .source
            .strip_prefix("/roster/")
            .and_then(ServiceName::parse)
            .ok_or(InvalidEvent("source"))?;
        let subject = match attr(&envelope, "subject") {
            Some(Attr::CeString(text)) => UserId::parse(text).ok(),
            Some(_) | None => None,
        }
        .ok_or(InvalidEvent("subject"))?;
        let time = match attr(&envelope, "time") {
            Some(Attr::CeTimestamp(at)) => time::from_proto(*at),
            Some(_) | None => None,
        }
        .ok_or(InvalidEvent("time"))?;
        let traceparent = match attr(&envelope, "traceparent") {
            Some(Attr::CeString(text)) => Some(text.clone()),
            Some(_) | None => None,
        };
        let audience = match attr(&envelope, "audience") {
            Some(Attr::CeString(name)) => {
                Some(ServiceName::parse(name).ok_or(InvalidEvent("audience"))?)
            }
            Some(_) => return Err(InvalidEvent("audience")),
            None => None,
        };
        let Some(Data::ProtoData(data)) = envelope.data else {
            return Err(InvalidEvent("data"));
        };
        let event = Self { id, source, subject, time, traceparent, audience, data };
        if event.kind() == envelope.r#type { Ok(event) } else { Err(InvalidEvent("type")) }
    }
}

const fn attribute(attr: Attr) -> CloudEventAttributeValue {
    CloudEventAttributeValue { attr: Some(attr) }
}

fn attr<'a>(envelope: &'a CloudEvent, name: &str) -> Option<&'a Attr> {
    envelope.attributes.get(name)?.attr.as_ref()
}

#[cfg(test)]
mod tests {
    use roster_proto::event::v1::{UserDeleted, UserStateChanged};
    use roster_testkit::env;

    use super::*;

    fn event() -> Event {
        let (_, env) = env(1);
        let message = UserDeleted { state: None, deletion_id: "d".to_owned() };
        Event {
            traceparent: Some("00-1-2-01".to_owned()),
            audience: ServiceName::parse("notes"),
            ..Event::new(
                EventId::generate(&env),
                ServiceName::parse("identity").unwrap(),
                UserId::generate(&env),
                env.now(),
                &message,
            )
        }
    }

    #[test]
    fn an_event_survives_its_envelope() {
        let event = event();
        let read = Event::decode(&event.encode()).unwrap();
        assert_eq!(read, event);
        assert_eq!(read.kind(), "roster.event.v1.UserDeleted");
        assert_eq!(read.message::<UserDeleted>().unwrap().unwrap().deletion_id, "d");
        assert!(read.message::<UserStateChanged>().is_none());
    }

    #[test]
    fn a_damaged_envelope_is_refused_whole() {
        let bytes = event().encode();
        for length in 0..bytes.len() {
            assert!(Event::decode(&bytes[..length]).is_err(), "{length} bytes");
        }
    }
}
