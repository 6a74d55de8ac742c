"""The queue: the outbox that feeds it, and RabbitMQ by its own plugin."""

from grafana_foundation_sdk.builders import stat, timeseries

from grafana.panels import Query, Rows, limits, lines, running, value
from grafana.parts import boxes
from grafana.promql import OVER_TIME, or_zero, rate

SINCE = 5
UP = 'sum(up{job="rabbitmq"})'
RECEIVED = "rabbitmq_global_messages_received_total"
ACKNOWLEDGED = "rabbitmq_global_messages_acknowledged_total"
MESSAGES = "rabbitmq_detailed_queue_messages"
DEAD = 'queue=~".*[.]dead"'
LATER = 'queue=~"jobs[.]later.*"'
ALIVE = 'queue!~".*[.]dead"'
OF_A_KIND = 'queue!~".*[.]dead|jobs[.]later.*"'
KINDS = ("welcome_email", "process_avatar", "fan_out_post", "write_views")  # and their queues


def figures() -> list[stat.Panel]:
    """Return the six figures of the queue."""
    return [
        running("Queue →", UP, "RabbitMQ nodes that answer.", since=SINCE, look="rabbitmq"),
        value(
            "Published",
            rate(RECEIVED),
            "Messages per second that RabbitMQ took.",
            unit="suffix:msg/s",
            since=SINCE,
            look="rabbitmq",
        ),
        value(
            "Dead jobs",
            or_zero(f"sum({MESSAGES}{{{DEAD}}})", UP),
            "Jobs given up after their last try. They wait to be looked at and replayed.",
            unit="short",
            since=SINCE,
            look=limits(1, 10),
        ),
        value(
            "Oldest job",
            'max(sluice_outbox_oldest_unsent_seconds{job="relay"})',
            "Age of the job in the outbox that has waited longest for the relay to publish it.",
            unit="s",
            since=SINCE,
            look=limits(10, 60),
            cause="machines",
        ),
        boxes.cpu("rabbitmq", since=SINCE),
        value(
            "Waiting",
            or_zero(f"sum({MESSAGES}_ready{{{ALIVE}}})", UP),
            "Messages that no worker has taken yet.",
            unit="short",
            since=SINCE,
            look=limits(100, 1000),
        ),
    ]


def trends() -> list[timeseries.Panel]:
    """Return what waits in queues, and what goes in and out."""
    return [
        lines(
            "Messages in queues",
            [
                Query(f"sum by (queue) ({MESSAGES}{{{OF_A_KIND}}})", "{{queue}}"),
                Query(f"sum({MESSAGES}{{{LATER}}})", "put off"),
            ],
            "Messages that wait or are in a worker's hands, a queue for each kind of job. put off:"
            " failed and to be tried again later.",
            unit="short",
            since=SINCE,
            names=(*KINDS, "put off"),
        ),
        lines(
            "Published and done",
            [
                Query(rate(RECEIVED, window=OVER_TIME), "published"),
                Query(rate(ACKNOWLEDGED, window=OVER_TIME), "acknowledged"),
            ],
            "Messages per second into and out of RabbitMQ. Published above acknowledged: queues"
            " grow.",
            unit="suffix:msg/s",
            since=SINCE,
        ),
    ]


def rows() -> Rows:
    """Return the panels about outbox and queues of the dashboard about jobs."""
    in_queues, flow = trends()
    return {
        "Outbox and relay": _outbox(),
        "Queues": [in_queues, _oldest(), flow],
        "Workers at the queues": _consumers(),
    }


def _outbox() -> list[timeseries.Panel]:
    relay = 'job="relay"'
    published = rate("sluice_outbox_published_total", by="outcome", window=OVER_TIME)
    swept = rate("sluice_rows_swept_total", by="table", window=OVER_TIME)
    up = 'label_replace(sum(up{job="relay"}), "table", "outbox", "", "")'
    return [
        lines(
            "Outbox",
            [Query(f"max(sluice_outbox_unsent{{{relay}}})", "waiting")],
            "Jobs that are written and not yet published. It grows while RabbitMQ or the relay is"
            " away; nothing is lost.",
            unit="short",
            since=SINCE,
        ),
        lines(
            "Oldest job in the outbox",
            [Query(f"max(sluice_outbox_oldest_unsent_seconds{{{relay}}})", "waiting")],
            "Age of the job that has waited longest to be published.",
            unit="s",
            since=SINCE,
        ),
        lines(
            "Published by the relay",
            [Query(published, "{{outcome}}")],
            "Jobs per second given to RabbitMQ: confirmed, returned (no queue), refused, or with an"
            " outcome that nobody knows and that are sent again.",
            unit="suffix:jobs/s",
            since=SINCE,
            names=("confirmed", "returned", "refused", "unknown"),
        ),
        lines(
            "Done rows removed",
            [Query(or_zero(swept, up), "{{table}}")],
            "Rows per second that were done and old.",
            unit="ops",
            since=SINCE,
        ),
    ]


def _oldest() -> timeseries.Panel:
    return lines(
        "Age of the oldest message",
        [Query(f"queue:sluice_queue_oldest:seconds{{{OF_A_KIND}}}", "{{queue}}")],
        "No more than: a quorum queue does not tell it, so it is bounded by the last time the queue"
        " was empty, and by its depth and pace (prometheus/rules/jobs.yml).",
        unit="s",
        since=SINCE,
        names=KINDS,
        causes=["machines", "database"],
    )


def _consumers() -> list[timeseries.Panel]:
    of_kind = 'sum by (kind) (label_replace({}, "kind", "$1", "queue", "(.+)[.]dead"))'
    consumers = f"sum by (queue) (rabbitmq_detailed_queue_consumers{{{OF_A_KIND}}})"
    redelivered = rate("rabbitmq_global_messages_redelivered_total", window=OVER_TIME)
    return [
        lines(
            "Dead letters",
            [Query(of_kind.format(f"{MESSAGES}{{{DEAD}}}"), "{{kind}}")],
            "Jobs given up after their last try. `make dead` says why, `make replay` has them done"
            " again.",
            unit="short",
            since=SINCE,
            names=KINDS,
        ),
        lines(
            "In workers' hands",
            [Query(f"sum by (queue) ({MESSAGES}_unacked{{{OF_A_KIND}}})", "{{queue}}")],
            "Messages delivered and not yet acknowledged.",
            unit="short",
            since=SINCE,
            names=KINDS,
        ),
        lines(
            "Consumers",
            [Query(consumers, "{{queue}}")],
            "Workers at each queue. 0: nobody takes its jobs.",
            unit="short",
            since=SINCE,
            names=KINDS,
        ),
        lines(
            "Delivered again",
            [Query(redelivered, "messages")],
            "Messages per second that came back because a worker left without an acknowledgement.",
            unit="suffix:msg/s",
            since=SINCE,
        ),
    ]
