"""Catching up with identity's ledger: what was announced while this service was
away for too long, or is not known any more, as it was put back from a backup."""

import asyncio
import logging

import grpc
from roster.identity.v1 import subject_ledger_service_pb2 as pb
from roster.identity.v1 import subject_ledger_service_pb2_grpc as pb_grpc

from . import states
from .settings import Settings
from .store import DELETED, Store

log = logging.getLogger(__name__)

DEADLINE_SECONDS = 10.0
REST_SECONDS = 1.0


async def catch_up(store: Store, settings: Settings) -> None:
    """Takes in the last state of every user there is or was, for as long as it
    takes: nothing is answered before."""
    while True:
        try:
            async with channel(settings) as identity:
                users = await take_in(store, pb_grpc.SubjectLedgerServiceStub(identity))
        except grpc.aio.AioRpcError as error:
            log.warning("waiting for the ledger: %s", error.code().name)
            await asyncio.sleep(REST_SECONDS)
        else:
            log.info("caught up with the ledger: %d users", users)
            return


def channel(settings: Settings) -> grpc.aio.Channel:
    """The way to identity, which has to prove that it is, whatever its host is
    called."""
    credentials = grpc.ssl_channel_credentials(
        settings.authority.read_bytes(),
        settings.key.read_bytes(),
        settings.certificate.read_bytes(),
    )
    options = [("grpc.ssl_target_name_override", "identity")]
    return grpc.aio.secure_channel(settings.identity, credentials, options=options)


async def take_in(store: Store, ledger: pb_grpc.SubjectLedgerServiceStub) -> int:
    """Reads it from the beginning to the end."""
    request = pb.ListSubjectStatesRequest()
    users = 0
    while True:
        page = await ledger.ListSubjectStates(request, timeout=DEADLINE_SECONDS)
        if not page.states:
            return users
        for message in page.states:
            subject = states.decode(message)
            store.merge(subject)
            while subject.state == DELETED and store.erase(subject.user_id):
                await asyncio.sleep(0)
        users += len(page.states)
        request.after_sequence = page.last_sequence
