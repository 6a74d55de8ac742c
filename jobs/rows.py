"""A job as a row of the outbox: between the one who causes it and the relay."""

from typing import Any

import orjson

from jobs.envelope import Job

# One job; use it inside the statement or transaction that writes its cause.
INSERT = """
INSERT INTO outbox (id, kind, version, payload, created_at, request_id)
VALUES (%(job_id)s, %(job_kind)s, %(job_version)s, %(job_payload)s::jsonb, %(job_created_at)s,
        %(job_request_id)s)
"""


def values(job: Job) -> dict[str, Any]:
    """The values of `INSERT`."""
    return {
        "job_id": job.id,
        "job_kind": job.kind,
        "job_version": job.version,
        "job_payload": orjson.dumps(job.payload).decode("utf-8"),
        "job_created_at": job.created_at,
        "job_request_id": job.request_id,
    }
