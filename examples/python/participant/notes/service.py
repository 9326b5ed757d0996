"""`roster.subject.v1.SubjectDataService`: what identity asks."""

from collections.abc import AsyncIterator
from typing import Any as Whatever

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.struct_pb2 import Struct
from roster.subject.v1 import subject_data_service_pb2 as pb
from roster.subject.v1 import subject_data_service_pb2_grpc as pb_grpc
from roster.subject.v1.subject_pb2 import KindCount

from . import states
from .settings import Settings
from .states import Malformed
from .store import KIND, Note, Store

MOST_USERS = 1_000
PAGE = 50
SUBJECTS_PAGE = 500

Context = grpc.aio.ServicerContext[Whatever, Whatever]


class SubjectData(pb_grpc.SubjectDataServiceServicer):
    """Says how much there is of a user, and hands it out: to identity."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._identity = f"spiffe://{settings.trust_domain}/roster/identity".encode()

    async def CountSubjectData(
        self, request: pb.CountSubjectDataRequest, context: Context
    ) -> pb.CountSubjectDataResponse:
        await self._only_identity(context)
        if not 1 <= len(request.user_ids) <= MOST_USERS:
            await invalid(context, "user_ids must hold 1 to 1,000 ids")
        answer = pb.CountSubjectDataResponse()
        for user_id in request.user_ids:
            await check_id(context, user_id)
            counts = [KindCount(kind=KIND, count=self._store.count(user_id))]
            answer.subjects.append(pb.SubjectCounts(user_id=user_id, counts=counts))
        return answer

    async def SumSubjectData(
        self, request: pb.SumSubjectDataRequest, context: Context
    ) -> pb.SumSubjectDataResponse:
        await self._only_identity(context)
        counts = [KindCount(kind=KIND, count=self._store.count_all())]
        return pb.SumSubjectDataResponse(counts=counts)

    async def ExportSubjectData(
        self, request: pb.ExportSubjectDataRequest, context: Context
    ) -> AsyncIterator[pb.ExportSubjectDataResponse]:
        await self._only_identity(context)
        await check_id(context, request.user_id)
        after = 0
        # A page at a time: a reader who is slow makes nothing pile up.
        while notes := self._store.page(request.user_id, after, PAGE):
            for note in notes:
                yield pb.ExportSubjectDataResponse(kind=KIND, record=record(note))
            after = notes[-1].id

    async def ListSubjects(
        self, request: pb.ListSubjectsRequest, context: Context
    ) -> pb.ListSubjectsResponse:
        await self._only_identity(context)
        if request.after_user_id:
            await check_id(context, request.after_user_id)
        if request.page_size < 0:
            await invalid(context, "page_size must not be negative")
        size = min(request.page_size or SUBJECTS_PAGE, MOST_USERS)
        answer = pb.ListSubjectsResponse()
        for subject in self._store.subjects(request.after_user_id, size):
            # Nothing is known of a user for whom something was written first.
            heard = subject.number > 0
            state = states.encode(subject) if heard else None
            answer.subjects.append(pb.KnownSubject(user_id=subject.user_id, state=state))
        return answer

    async def _only_identity(self, context: Context) -> None:
        """Refuses everybody else, whoever vouches for them: what is kept of
        people is not for every service of the installation."""
        names = context.auth_context().get("x509_subject_alternative_name", [])
        uris = [name for name in names if name.startswith(b"spiffe://")]
        if uris != [self._identity]:
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, "for identity only")


async def check_id(context: Context, user_id: str) -> None:
    """Refuses what is no id."""
    try:
        states.parse_id(user_id)
    except Malformed:
        await invalid(context, "an id is not one")


async def invalid(context: Context, why: str) -> None:
    """Refuses a request that the contract does not allow."""
    await context.abort(grpc.StatusCode.INVALID_ARGUMENT, why)


def record(note: Note) -> Any:
    """A note as everybody can read it, without a contract of this service's."""
    fields = Struct()
    fields.update({"id": note.id, "text": note.text, "createTime": note.created_at})
    packed = Any()
    packed.Pack(fields, deterministic=True)
    return packed
