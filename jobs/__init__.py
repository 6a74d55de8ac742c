"""The wire contract between those who cause work and those who do it. Nothing else is in here.

A job is an envelope (`envelope.Job`) around a payload (`payloads`). Both sides check it: the sender
cannot write a job that no receiver understands, and a receiver does not act on one it does not.

To change a payload: add a class with the next version, teach the workers both, deploy them, then
let the app write the new one. A version is never changed once it has been written.
"""

from jobs.envelope import Job, JobFailed, JobRejected
from jobs.payloads import FanOutPost, Payload, ProcessAvatar, WelcomeEmail, WriteViews

__all__ = [
    "FanOutPost",
    "Job",
    "JobFailed",
    "JobRejected",
    "Payload",
    "ProcessAvatar",
    "WelcomeEmail",
    "WriteViews",
]
