"""The queue: the outbox that feeds it, and RabbitMQ by its own plugin."""

from grafana_foundation_sdk.builders import stat, timeseries

from grafana.panels import Query, limits, lines, running, value
from grafana.parts import boxes
from grafana.promql import OVER_TIME, or_zero, rate

SINCE = 5
UP = 'sum(up{job="rabbitmq"})'
RECEIVED = "rabbitmq_global_messages_received_total"
ACKNOWLEDGED = "rabbitmq_global_messages_acknowledged_total"
MESSAGES = "rabbitmq_detailed_queue_messages"
DEAD = 'queue=~".*[.]dead"'
ALIVE = 'queue!~".*[.]dead"'


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
            [Query(f"sum by (queue) ({MESSAGES})", "{{queue}}")],
            "Messages that wait or are in a worker's hands. Queues that end in .dead hold jobs"
            " that were given up.",
            unit="short",
            since=SINCE,
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
