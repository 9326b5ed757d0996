"""Users' states, as the contract writes them."""

from uuid import UUID

from roster.subject.v1 import subject_pb2 as pb

from .store import ACTIVE, DELETED, DISABLED, Subject

STATES = {
    pb.STATE_ACTIVE: ACTIVE,
    pb.STATE_DISABLED: DISABLED,
    pb.STATE_DELETED: DELETED,
}
NAMES = {name: state for state, name in STATES.items()}


class Malformed(Exception):
    """Something that the contract does not allow. Says what, and no more: it is
    shown to operators."""


def parse_id(text: str) -> str:
    """An id in the one form that it is written in."""
    try:
        parsed = str(UUID(text))
    except ValueError:
        parsed = ""
    if parsed != text:
        raise Malformed("malformed id")
    return text


def decode(message: pb.SubjectState) -> Subject:
    """Reads a state."""
    if message.state not in STATES or message.role not in (pb.ROLE_USER, pb.ROLE_ADMIN):
        raise Malformed("malformed subject state")
    if message.version.incarnation < 1 or message.version.number < 1:
        raise Malformed("malformed subject state")
    return Subject(
        user_id=parse_id(message.user_id),
        incarnation=message.version.incarnation,
        number=message.version.number,
        epoch=message.session_epoch,
        admin=message.role == pb.ROLE_ADMIN,
        state=STATES[message.state],
        must_change=message.password_change_required,
    )


def encode(subject: Subject) -> pb.SubjectState:
    """Writes one."""
    return pb.SubjectState(
        user_id=subject.user_id,
        version=pb.Version(incarnation=subject.incarnation, number=subject.number),
        session_epoch=subject.epoch,
        role=pb.ROLE_ADMIN if subject.admin else pb.ROLE_USER,
        state=NAMES[subject.state],
        password_change_required=subject.must_change,
    )
