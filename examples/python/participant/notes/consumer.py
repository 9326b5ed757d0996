"""Taking events off the broker, and sending receipts."""

import asyncio
import logging

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from . import NAME, events
from .settings import Settings
from .states import Malformed
from .store import Store

log = logging.getLogger(__name__)

EVENTS_STREAM = "roster-events-identity"
EVENTS_SUBJECT = "roster.event.identity"
RECEIPTS_STREAM = "roster-receipts-identity"
RECEIPTS_SUBJECT = f"roster.receipt.identity.{NAME}"
"""Where nobody else may publish: the subject says whose receipts these are."""

DURABLE = ConsumerConfig(
    name=NAME,
    durable_name=NAME,
    filter_subject=EVENTS_SUBJECT,
    deliver_policy=DeliverPolicy.ALL,
    ack_policy=AckPolicy.EXPLICIT,
    # After so many seconds it comes again, as when the process has ended.
    ack_wait=30,
    # For good: what cannot be carried out is answered, and parked by identity.
    max_deliver=-1,
    max_ack_pending=256,
)

AT_ONCE = 8
IDLE_SECONDS = 5.0
REST_SECONDS = 1.0


class Consumer:
    """Consumes identity's events until it is told to stop."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Ends it when what is in hand has been dealt with."""
        self._stopping.set()

    async def run(self) -> None:
        """Goes on through everything that can happen to a broker."""
        client: Client | None = None
        while not self._stopping.is_set():
            try:
                client = client or await self._connect()
                await self._consume(client.jetstream())
            except (nats.errors.Error, OSError) as error:
                log.warning("events are not received: %s", type(error).__name__)
                await self._rest()
        if client is not None:
            await client.drain()

    async def _connect(self) -> Client:
        password = self._settings.password.read_text().strip()
        return await nats.connect(
            self._settings.brokers,
            name=NAME,
            user=NAME,
            password=password,
            # The one place that this user may listen at.
            inbox_prefix=f"_INBOX.{NAME}",
            max_reconnect_attempts=-1,
            error_cb=complain,
        )

    async def _consume(self, stream: JetStreamContext) -> None:
        """Takes events until there are none for a while. Then it is time to see
        whether the broker still knows who is here: it may have lost all it had."""
        await stream.add_consumer(EVENTS_STREAM, config=DURABLE)
        inflow = await stream.pull_subscribe_bind(consumer=NAME, stream=EVENTS_STREAM)
        try:
            while not self._stopping.is_set():
                for message in await self._fetch(inflow):
                    await self._answer(stream, message)
        except nats.errors.TimeoutError:
            pass
        finally:
            await inflow.unsubscribe()

    async def _fetch(self, inflow: JetStreamContext.PullSubscription) -> list[Msg]:
        """The next events; none when it is time to stop."""
        fetching = asyncio.ensure_future(inflow.fetch(AT_ONCE, timeout=IDLE_SECONDS))
        stopping = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait({fetching, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not fetching.done():
            # What was on its way comes again, to whoever comes next.
            fetching.cancel()
            return []
        return fetching.result()

    async def _answer(self, stream: JetStreamContext, message: Msg) -> None:
        """Deals with one event. It is acknowledged when its receipt is safe with
        the broker; until then it comes again."""
        try:
            event = events.decode(message.data)
        except Malformed as malformed:
            # Without an id there is nothing to confirm.
            log.error("event ignored: %s", malformed)
            await message.ack()
            return
        if event.is_for_us:
            receipt = await events.receipt(self._store, event)
            # Never into a stream that somebody else has laid over it.
            await stream.publish(
                RECEIPTS_SUBJECT, receipt.SerializeToString(), stream=RECEIPTS_STREAM
            )
        await message.ack()

    async def _rest(self) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), REST_SECONDS)
        except TimeoutError:
            pass


async def complain(error: Exception) -> None:
    """Tells of what the broker does not let pass."""
    log.warning("broker: %s", error)
