"""What identity announces, and what this service does about it."""

import asyncio
import logging
import sqlite3
from dataclasses import dataclass

from cloudevents.v1 import cloudevents_pb2
from google.protobuf.any_pb2 import Any
from google.protobuf.message import DecodeError
from roster.event.v1 import event_pb2
from roster.subject.v1 import subject_pb2

from . import NAME, states
from .states import Malformed
from .store import DELETED, Done, Store, Subject

log = logging.getLogger(__name__)

SOURCE = "/roster/identity"
"""Whose events these are. That it is so is the broker's to guarantee."""

FAILURE_LENGTH = 200


@dataclass(frozen=True)
class Event:
    """One event."""

    id: str
    user_id: str
    audience: str
    """Whom alone it is for; empty for everybody."""
    data: Any

    @property
    def is_for_us(self) -> bool:
        """Others are told what this service has heard before, too."""
        return self.audience in ("", NAME)


def decode(payload: bytes) -> Event:
    """Reads an envelope."""
    try:
        envelope = cloudevents_pb2.CloudEvent.FromString(payload)
    except DecodeError as error:
        raise Malformed("malformed envelope") from error
    if envelope.spec_version != "1.0" or envelope.source != SOURCE:
        raise Malformed("malformed envelope")
    if not envelope.HasField("proto_data"):
        raise Malformed("malformed envelope")
    attributes = envelope.attributes
    subject = attributes["subject"].ce_string if "subject" in attributes else ""
    audience = attributes["audience"].ce_string if "audience" in attributes else ""
    return Event(
        id=states.parse_id(envelope.id),
        user_id=states.parse_id(subject),
        audience=audience,
        data=envelope.proto_data,
    )


async def receipt(store: Store, event: Event) -> event_pb2.Receipt:
    """Carries an event out, unless that was done before, and answers what there
    is to be told. What fails comes again."""
    try:
        done = store.answered(event.id) or await carry_out(store, event)
    except Malformed as malformed:
        return failed(event, str(malformed))
    except sqlite3.Error as error:
        log.warning("event not carried out: %s", type(error).__name__)
        return failed(event, "database unavailable")
    answer = event_pb2.Receipt(event_id=event.id, outcome=event_pb2.OUTCOME_DONE)
    for kind, count in sorted(done.counts.items()):
        answer.counts.append(subject_pb2.KindCount(kind=kind, count=count))
    answer.complete_time.FromDatetime(done.at)
    return answer


async def carry_out(store: Store, event: Event) -> Done:
    """Does what an event asks for."""
    kind = event.data.TypeName()
    if kind == event_pb2.UserDeleted.DESCRIPTOR.full_name:
        subject = about(event, event_pb2.UserDeleted())
        if subject.state != DELETED:
            raise Malformed("malformed event")
        # First of all, and on its own: nothing is written behind it.
        store.merge(subject)
        while (done := store.erase_for(event.id, subject.user_id)) is None:
            # Between two batches it is the others' turn.
            await asyncio.sleep(0)
        return done
    if kind == event_pb2.UserStateChanged.DESCRIPTOR.full_name:
        return store.take_in(event.id, about(event, event_pb2.UserStateChanged()))
    # A newer identity: the event waits, where it can be seen, until this
    # service is newer, too.
    raise Malformed("unknown kind of event")


def about(event: Event, message: event_pb2.UserDeleted | event_pb2.UserStateChanged) -> Subject:
    """The state that an event tells of."""
    try:
        event.data.Unpack(message)
    except DecodeError as error:
        raise Malformed("malformed event") from error
    subject = states.decode(message.state)
    if subject.user_id != event.user_id:
        raise Malformed("envelope and event name different users")
    return subject


def failed(event: Event, why: str) -> event_pb2.Receipt:
    """The answer that makes an event come again."""
    return event_pb2.Receipt(
        event_id=event.id, outcome=event_pb2.OUTCOME_FAILED, failure=why[:FAILURE_LENGTH]
    )
