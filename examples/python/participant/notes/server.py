"""The process: its listener, its consumer, and their end."""

import asyncio
import logging
import signal

import grpc
from roster.subject.v1 import subject_data_service_pb2_grpc as pb_grpc

from . import NAME
from .consumer import Consumer
from .ledger import catch_up
from .service import SubjectData
from .settings import Settings
from .store import Store

log = logging.getLogger(__name__)

DRAIN_SECONDS = 10.0


def credentials(settings: Settings) -> grpc.ServerCredentials:
    """What is shown to callers, and who may vouch for theirs: they have to show
    one, too. The files are read again for each connection, so that they can be
    replaced while the process runs."""

    def read() -> grpc.ServerCertificateConfiguration:
        pair = (settings.key.read_bytes(), settings.certificate.read_bytes())
        authority = settings.authority.read_bytes()
        return grpc.ssl_server_certificate_configuration([pair], root_certificates=authority)

    return grpc.dynamic_ssl_server_credentials(read(), read, require_client_authentication=True)


async def serve(settings: Settings, store: Store) -> None:
    """Runs until it is told to end; then what was begun is brought to its end."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    pb_grpc.add_SubjectDataServiceServicer_to_server(SubjectData(store, settings), server)
    port = server.add_secure_port(settings.listen, credentials(settings))
    if settings.identity:
        # Before anybody is answered: what was put back from a backup would be
        # handed out once more.
        catching_up = asyncio.create_task(catch_up(store, settings))
        told = asyncio.create_task(stopping.wait())
        await asyncio.wait({catching_up, told}, return_when=asyncio.FIRST_COMPLETED)
        if not catching_up.done():
            catching_up.cancel()
            return
        catching_up.result()
    await server.start()
    host = settings.listen.rpartition(":")[0]
    print(f"{NAME}\n  address  {host}:{port}", flush=True)
    consumer = Consumer(store, settings)
    consuming = asyncio.create_task(consumer.run())
    told = asyncio.create_task(stopping.wait())
    await asyncio.wait({consuming, told}, return_when=asyncio.FIRST_COMPLETED)
    log.info("draining")
    consumer.stop()
    await server.stop(DRAIN_SECONDS)
    # A consumer that has failed ends the process with what it failed of.
    await consuming
    log.info("stopped")
