"""The envelope: what every job has, whatever it is about.

On the wire, as JSON: `{"id", "kind", "version", "created_at", "payload"}`. The id of the request
that caused it travels beside that, as the message's `correlation_id`: a worker of the version
before refuses a body with a field that it does not know, and must be able to do today's jobs.
"""

import uuid
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from jobs.payloads import PAYLOADS, Payload

MAX_BYTES = 64 * 1024


class JobFailed(Exception):
    """The job could not be done now; it may be later."""


type Reason = Literal["undecodable", "unknown_kind", "invalid_payload", "refused"]


class JobRejected(Exception):
    """This job will never be done, and trying again will not change that; `reason` is a word."""

    def __init__(self, message: str, reason: Reason = "refused") -> None:
        super().__init__(message)
        self.reason = reason


class Job(BaseModel):
    """A job. `id` is made by who causes it (UUIDv7, in the order of time) and names its effect."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: uuid.UUID
    kind: Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,40}$")]
    version: int
    created_at: AwareDatetime
    payload: dict[str, Any]
    # For log lines alone; older jobs, and those that no single request caused, have none.
    request_id: str | None = Field(default=None, exclude=True)

    def read(self) -> Payload:
        """The payload, checked.

        Raises:
            JobRejected: no such kind or version, or not its shape.
        """
        try:
            return PAYLOADS[self.kind, self.version].model_validate(self.payload)
        except KeyError as error:
            raise JobRejected(
                f"unknown kind {self.kind} version {self.version}", "unknown_kind"
            ) from error
        except ValidationError as error:
            raise JobRejected(
                f"not a {self.kind} version {self.version}: {without_values(error)}",
                "invalid_payload",
            ) from error


def without_values(error: ValidationError) -> str:
    """What is wrong and where, without what stood there: that may be somebody's address."""
    found = error.errors(include_input=False, include_context=False, include_url=False)
    return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in found)


def new(payload: Payload, job_id: uuid.UUID | None = None, *, request_id: str | None = None) -> Job:
    """A new job about this, with a new id unless its cause has given it one."""
    # Made of what is checked already; who takes it from the wire checks all of it again.
    return Job.model_construct(
        id=job_id or uuid.uuid7(),
        kind=payload.kind,
        version=payload.version,
        created_at=datetime.now(UTC),
        payload=payload.model_dump(mode="json"),
        request_id=request_id,
    )


def encode(job: Job) -> bytes:
    """The job as it travels. Its payload is not looked into: a relay may be older than a kind."""
    return job.model_dump_json().encode("utf-8")


def decode(message: bytes, request_id: str | None = None) -> Job:
    """The job in a message, its payload checked; `request_id` is what came beside it.

    Raises:
        JobRejected: not a job, or none that we understand; says why.
    """
    if len(message) > MAX_BYTES:
        raise JobRejected(f"{len(message)} bytes are more than {MAX_BYTES}", "undecodable")
    try:
        job = Job.model_validate_json(message)
    except ValidationError as error:
        raise JobRejected(f"not a job: {without_values(error)}", "undecodable") from error
    job.read()
    return job.model_copy(update={"request_id": request_id})
