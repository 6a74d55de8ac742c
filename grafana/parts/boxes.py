"""The containers: how much of their CPU and memory limit they use. Source: cAdvisor."""

from grafana_foundation_sdk.builders import stat, timeseries

from grafana.panels import FULL, Query, limits, lines, value
from grafana.promql import NOW, OVER_TIME, rate

SERVICES = (
    "edge",
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
EVERY = "10s"  # scrape_interval of the job cadvisor


def _labels(*services: str) -> str:
    return f'service=~"{"|".join(services)}"'


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
    used = f"container_memory_working_set_bytes{{{_labels(*SERVICES)}}}"
    limit = f"(container_spec_memory_limit_bytes{{{_labels(*SERVICES)}}} > 0)"
    return [
        lines(
            "CPU by service",
            [
                Query(
                    f"max by (service) ({_cpu(_labels(*SERVICES), OVER_TIME)})",
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
