"""The containers: how much of their CPU and memory limit they use. Source: cAdvisor."""

from grafana_foundation_sdk.builders import stat, timeseries

from grafana.panels import FULL, Query, Rows, limits, lines, value
from grafana.promql import NOW, OVER_TIME, rate

SERVICES = (
    "edge",
    "edge-2",
    "lb",
    "web",
    "redis",
    "primary",
    "replica-1",
    "replica-2",
    "rabbitmq",
    "relay",
    "worker",
)
# What only watches.
WATCHERS = 'service=~"prometheus|alertmanager|grafana|cadvisor|.*-exporter"'
EVERY = "10s"  # scrape_interval of the job cadvisor


def _labels(*services: str) -> str:
    return f'service=~"{"|".join(services)}"'


OURS = _labels(*SERVICES)


def _cpu(labels: str, window: str) -> str:
    # Only of containers that have a limit: without one the quota is no series, or not above zero.
    used = rate("container_cpu_usage_seconds_total", labels, by="service, name", window=window)
    quota = f"(container_spec_cpu_quota{{{labels}}} > 0)"
    limit = f"sum by (service, name) ({quota} / container_spec_cpu_period{{{labels}}})"
    return f"{used} / {limit}"


def cpu(*services: str, since: int = 1) -> stat.Panel:
    """Return the share of its CPU limit that the busiest container of these services uses."""
    return value(
        "CPU",
        f"max({_cpu(_labels(*services), NOW)})",
        "CPU time of the last minute, of what the container may use (`cpus` in docker-compose.yml);"
        " of several containers the busiest. At 100 % it is throttled: it is the bottleneck.",
        unit="percentunit",
        since=since,
        look=FULL,
    )


def trends() -> list[timeseries.Panel]:
    """Return CPU and memory by service."""
    used = f"container_memory_working_set_bytes{{{OURS}}}"
    limit = f"(container_spec_memory_limit_bytes{{{OURS}}} > 0)"
    return [
        lines(
            "CPU by service",
            [
                Query(
                    f"max by (service) ({_cpu(OURS, OVER_TIME)})",
                    "{{service}}",
                    EVERY,
                )
            ],
            "CPU time, of what the container may use; of several the busiest. At 100 % it is"
            " throttled.",
            unit="percentunit",
            names=SERVICES,
            full=FULL,
        ),
        lines(
            "Memory by service",
            [Query(f"max by (service) ({used} / {limit})", "{{service}}", EVERY)],
            "Working set, of the container's memory limit; of several the fullest. At 100 % the"
            " kernel ends it.",
            unit="percentunit",
            names=SERVICES,
            full=limits(0.8, 0.9),
        ),
    ]


def rows() -> Rows:
    """Return all panels about containers of the dashboard about what everything runs on."""
    return {
        "Containers: CPU and memory": [*trends(), *_limits()],
        "Containers: disk and network": _flows(),
        "What watching costs": _watchers(),
    }


def _limits() -> list[timeseries.Panel]:
    throttled, periods = (
        rate(f"container_cpu_cfs_{what}periods_total", OURS, by="service", window=OVER_TIME)
        for what in ("throttled_", "")
    )
    started = f"sum by (service) (changes(container_start_time_seconds{{{OURS}}}[5m]))"
    return [
        lines(
            "Throttled",
            [Query(f"{throttled} / ({periods} > 0)", "{{service}}", EVERY)],
            "Share of the periods of 100 ms in which the container wanted more CPU than it may"
            " have, and stood still. It makes the slowest requests slow long before CPU is at"
            " 100 %.",
            unit="percentunit",
            names=SERVICES,
        ),
        lines(
            "Starts in five minutes",
            [Query(started, "{{service}}", EVERY)],
            "How often containers were started anew. More than once is a process that dies.",
            unit="short",
            names=SERVICES,
        ),
    ]


def _flows() -> list[timeseries.Panel]:
    """Bytes, by service: from and to block devices, in and out of its networks."""
    flows = {
        "Read from disk": ("fs_reads_bytes", "Bytes per second from block devices."),
        "Written to disk": ("fs_writes_bytes", "Bytes per second to block devices."),
        "Received": (
            "network_receive_bytes",
            "Bytes per second from other containers and outside.",
        ),
        "Sent": ("network_transmit_bytes", "Bytes per second to other containers and outside."),
    }
    return [
        lines(
            title,
            [
                Query(
                    rate(f"container_{metric}_total", OURS, by="service", window=OVER_TIME),
                    "{{service}}",
                    EVERY,
                )
            ],
            about,
            unit="Bps",
            names=SERVICES,
            stacked=True,
        ).no_value("this kernel does not count it for containers")
        for title, (metric, about) in flows.items()
    ]


def _watchers() -> list[timeseries.Panel]:
    cpu = rate("container_cpu_usage_seconds_total", WATCHERS, by="service", window=OVER_TIME)
    memory = f"sum by (service) (container_memory_working_set_bytes{{{WATCHERS}}})"
    return [
        lines(
            "CPU of the watchers",
            [Query(cpu, "{{service}}", EVERY)],
            "Processor time for each second, of everything that only watches. `MONITORING=off make"
            " stage-N` runs the stack without it.",
            unit="percentunit",
            stacked=True,
        ),
        lines(
            "Memory of the watchers",
            [Query(memory, "{{service}}", EVERY)],
            "Working set of everything that only watches.",
            unit="bytes",
            stacked=True,
        ),
    ]
