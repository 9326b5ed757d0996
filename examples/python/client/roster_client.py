"""Administers Roster's users, as an internal service does: over gRPC, through
the edge, with a bearer token.

    python roster_client.py list
    python roster_client.py create mara "Mara Ilves"

Where the edge is, and who is calling, is read from the environment; run it with
`--help` for the names. The token is never an argument: those can be seen by
everybody on the machine.
"""

import argparse
import random
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from os import environ
from pathlib import Path
from typing import TypeAlias, TypeVar

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from roster.identity.v1 import user_admin_service_pb2 as pb
from roster.identity.v1 import user_admin_service_pb2_grpc as pb_grpc
from roster.identity.v1.user_pb2 import User

DEADLINE_SECONDS = 10.0
"""How long an answer is waited for. Roster is told, and does not work longer."""

MOST_TRIES = 5
PAGE_SIZE = 100

Answer = TypeVar("Answer")

VARIABLES = """environment:
  ROSTER_ADDRESS        where the edge is, such as roster.example.org:443
  ROSTER_TOKEN_FILE     a file with the token, or
  ROSTER_TOKEN          the token itself
  ROSTER_CA             the authority of the edge's certificate, as PEM; that of
                        the system's when empty
  ROSTER_PLAINTEXT=1    no TLS: for an edge on this machine
  NEW_PASSWORD          of the user that `create` makes
"""


def token() -> str:
    """The token, from a file or the environment."""
    if path := environ.get("ROSTER_TOKEN_FILE"):
        return Path(path).read_text().strip()
    return required("ROSTER_TOKEN")


def required(name: str) -> str:
    """A setting that has to be there."""
    value = environ.get(name, "")
    if not value:
        raise SystemExit(f"{name} is needed")
    return value


def connect() -> grpc.Channel:
    """A channel. It connects when it is used, and again whenever it has to."""
    address = required("ROSTER_ADDRESS")
    if environ.get("ROSTER_PLAINTEXT") == "1":
        host = address.rpartition(":")[0]
        if host not in ("localhost", "127.0.0.1", "[::1]"):
            raise SystemExit("the token is sent to no other machine without TLS")
        return grpc.insecure_channel(address)
    authority = environ.get("ROSTER_CA")
    tls = grpc.ssl_channel_credentials(Path(authority).read_bytes() if authority else None)
    return grpc.secure_channel(address, tls)


def patiently(call: Callable[[], Answer]) -> Answer:
    """Calls again while the service is not available, which passes: for calls
    that are safe to repeat, as they read, or carry a `request_id`."""
    for attempt in range(1, MOST_TRIES + 1):
        try:
            return call()
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.UNAVAILABLE or attempt == MOST_TRIES:
                raise
            # Not all callers at the same moment.
            time.sleep(pause(error) or random.uniform(0.5, 1.0) * 0.1 * 2**attempt)
    raise AssertionError("the last try answers or raises")


def pause(error: grpc.RpcError) -> float | None:
    """How long Roster asks to wait, if it does."""
    for detail in details(error):
        if isinstance(detail, error_details_pb2.RetryInfo):
            return float(detail.retry_delay.ToTimedelta().total_seconds())
    return None


Detail: TypeAlias = (
    error_details_pb2.ErrorInfo | error_details_pb2.BadRequest | error_details_pb2.RetryInfo
)


def details(error: grpc.RpcError) -> Iterator[Detail]:
    """What programs are told of a failure, beside its message for people."""
    status = rpc_status.from_call(error) if isinstance(error, grpc.Call) else None
    for detail in status.details if status else []:
        for kind in (
            error_details_pb2.ErrorInfo,
            error_details_pb2.BadRequest,
            error_details_pb2.RetryInfo,
        ):
            if detail.Is(kind.DESCRIPTOR):
                message = kind()
                detail.Unpack(message)
                yield message


class Users:
    """Roster's users, as the holder of a token may see and change them."""

    def __init__(self, channel: grpc.Channel, token: str) -> None:
        self._stub = pb_grpc.UserAdminServiceStub(channel)
        self._metadata = (("authorization", f"Bearer {token}"),)

    def list(self) -> Iterator[User]:
        """All users, newest first, page by page."""
        request = pb.ListUsersRequest(page_size=PAGE_SIZE)
        while True:
            page: pb.ListUsersResponse = self._call(self._stub.ListUsers, request)
            yield from page.users
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def create(self, username: str, display_name: str, password: str) -> User:
        """Creates a user once, however often it has to be tried."""
        request = pb.CreateUserRequest(
            username=username,
            display_name=display_name,
            password=password,
            # The name of the wish, not of the try: a repetition gets the answer
            # of the one that came through.
            request_id=str(uuid.uuid4()),
        )
        answer: pb.CreateUserResponse = self._call(self._stub.CreateUser, request)
        return answer.user

    def _call(self, method: Callable[..., Answer], request: Message) -> Answer:
        return patiently(
            lambda: method(request, timeout=DEADLINE_SECONDS, metadata=self._metadata)
        )


def explain(error: grpc.RpcError) -> None:
    """Says what went wrong, for people and for programs."""
    print(f"{error.code().name}: {error.details()}", file=sys.stderr)
    for detail in details(error):
        if isinstance(detail, error_details_pb2.ErrorInfo):
            print(f"  reason: {detail.reason}", file=sys.stderr)
        elif isinstance(detail, error_details_pb2.BadRequest):
            for violation in detail.field_violations:
                print(f"  {violation.field}: {violation.description}", file=sys.stderr)


def main() -> int:
    """Does what the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=VARIABLES, formatter_class=argparse.RawTextHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="list all users")
    create = commands.add_parser("create", help="create a user")
    create.add_argument("username")
    create.add_argument("display_name")
    arguments = parser.parse_args()
    with connect() as channel:
        users = Users(channel, token())
        try:
            if arguments.command == "list":
                for user in users.list():
                    print(f"{user.user_id} {user.username} {user.display_name}")
            else:
                password = required("NEW_PASSWORD")
                user = users.create(arguments.username, arguments.display_name, password)
                print(user.user_id)
        except grpc.RpcError as error:
            explain(error)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
