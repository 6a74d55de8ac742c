"""Rules of work beside the answer: jobs inside the request, queues, workers; and who is refused."""

from __future__ import annotations

from collections.abc import Iterator

from doctor import relief
from doctor.boxes import TRACE
from doctor.figures import Figures
from doctor.finding import Finding, seconds, told

MAIL = "welcome_email"
IN_REQUEST_S = 0.5  # a person begins to wait
IN_REQUEST_RATE = 0.03  # a second: two in a minute
FELT = 0.2  # of the time of all requests
QUEUED = 10.0
QUEUE_S = 20.0
OUTBOX_S = 10.0
TURNED_AWAY = 0.5  # a second
OWN_LOOKS = 0.4  # a second: health check and exporter, which Nginx counts as requests
TURNED_AWAY_SHARE = 0.02


def jobs_in_request(figures: Figures) -> Iterator[Finding]:
    """Time of the jobs that visitors wait for (stages 1 to 4): above all a mail server's answer."""
    for kind, mean in figures.each("request_job_s"):
        rate = figures.value("request_jobs", kind)
        if rate < IN_REQUEST_RATE:
            continue
        share = mean * rate / (figures.value("request_s") or mean * rate)
        yield Finding(
            part="smtp" if kind == MAIL else "request-job",
            resource=f"{kind} inside the request",
            service="mail" if kind == MAIL else "web",
            pressure=mean / IN_REQUEST_S,
            signs=1 + (share >= FELT),
            evidence=(
                f"{seconds(mean)} a job, {rate:.1f} jobs a second, while their visitors wait",
                f"{min(share, 1):.0%} of the time of all requests",
                f"CPU of web {figures.value('cpu', 'web'):.0%}",
            ),
            next_step=relief.SMTP,
        )


def workers(figures: Figures) -> Iterator[Finding]:
    """Saturation: jobs that wait in a queue, whether they become more, the age of the first."""
    for queue, depth in figures.each("queued"):
        grew, age = figures.value("queue_grew", queue), figures.value("queue_s", queue)
        done, mean = figures.value("worker_jobs", queue), figures.value("worker_job_s", queue)
        grows = depth >= QUEUED and grew >= QUEUED / 2
        late = depth >= 1 and age >= QUEUE_S
        yield Finding(
            part="queue",
            resource=f"hands for {queue}",
            service="worker",
            pressure=max(depth / QUEUED, age / QUEUE_S, 1.0)
            if grows or (late and depth >= QUEUED)
            else min(depth / QUEUED, 0.99),
            signs=grows + late,
            evidence=told(
                (True, f"{depth:.0f} jobs wait, {grew:+.0f} in the window"),
                (late, f"the first for {seconds(age)}"),
                (True, f"{done:.1f} done a second, {seconds(mean)} each"),
                (True, f"{figures.value('in_hand', queue):.1f} in hand"),
                (True, f"CPU of worker {figures.value('cpu', 'worker'):.0%}"),
            ),
            next_step=relief.HANDS,
        )


def outbox(figures: Figures) -> Iterator[Finding]:
    """Saturation: how long the first job in the outbox has waited for the relay."""
    age = figures.get("outbox_s")
    if age is not None:
        yield Finding(
            part="outbox",
            resource="outbox",
            service="relay",
            pressure=age / OUTBOX_S,
            evidence=(f"the first job in the outbox has waited {seconds(age)}",),
            next_step=relief.OUTBOX,
        )


def turned_away(figures: Figures) -> Iterator[Finding]:
    """Errors: requests refused because enough are in hand, by a replica or before it.

    A balancer counts what comes in, the replicas what reaches them: the rest it answered itself.
    """
    shed, requests = figures.value("shed"), figures.value("requests")
    came = max(figures.value("nginx", "lb") - OWN_LOOKS, 0.0)
    refused = max(shed, came - requests)
    full = refused >= TURNED_AWAY and refused >= TURNED_AWAY_SHARE * max(came, requests)
    yield Finding(
        part="turned away",
        resource="requests in hand",
        service="web",
        pressure=1.0 if full else min(refused, 0.5),
        signs=(shed >= TURNED_AWAY) + (came - requests - shed >= TURNED_AWAY),
        evidence=told(
            (True, f"{figures.value('in_flight'):.0f} in hand"),
            (refused >= TRACE, f"{refused:.1f} a second turned away"),
        ),
        next_step=relief.TURNED_AWAY,
    )
