"""Where everything is: read from the environment, once."""

from dataclasses import dataclass
from os import environ
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """What the service needs to run. Secrets are in files, never in here."""

    listen: str
    """Where identity connects, such as `0.0.0.0:8443`."""
    certificate: Path
    """The service's certificate: for `notes`, by the installation's authority."""
    key: Path
    """The certificate's private key."""
    authority: Path
    """The authorities whose certificates count."""
    trust_domain: str
    """In which domain the names in certificates are valid."""
    brokers: list[str]
    """The brokers, such as `nats://nats-1:4222`."""
    password: Path
    """A file with the password of the broker's user `notes`."""
    identity: str
    """Where identity is, to catch up with its ledger at the start; empty for not
    to."""

    @classmethod
    def read(cls) -> "Settings":
        """Reads them; a missing one is named."""
        return cls(
            listen=environ.get("NOTES_LISTEN", "127.0.0.1:0"),
            certificate=Path(required("NOTES_CERTIFICATE")),
            key=Path(required("NOTES_KEY")),
            authority=Path(required("NOTES_AUTHORITY")),
            trust_domain=environ.get("NOTES_TRUST_DOMAIN", "roster.internal"),
            brokers=required("NOTES_BROKERS").split(","),
            password=Path(required("NOTES_PASSWORD_FILE")),
            identity=environ.get("NOTES_IDENTITY", ""),
        )


def database() -> Path:
    """Where the notes are."""
    return Path(required("NOTES_DATABASE"))


def required(name: str) -> str:
    """A setting that has to be there."""
    value = environ.get(name, "")
    if not value:
        raise SystemExit(f"{name} is needed")
    return value
