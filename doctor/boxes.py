"""Rules of what everything stands on: the boxes' shares of CPU and memory, and the machine.

USE: Brendan Gregg, "The USE Method" (usenix ;login: 2012; Systems Performance, 2nd ed., 2.5.9): for
every resource its utilisation, its saturation, its errors.
"""

from __future__ import annotations

from collections.abc import Iterator

from doctor import relief
from doctor.figures import Figures
from doctor.finding import Finding, told

# On the path of a request or a job, in its order. What only watches cannot be the bottleneck.
PATH = (
    "edge", "edge-2", "lb", "web", "redis", "primary", "replica-1", "replica-2", "relay",
    "rabbitmq", "worker", "mail",
)  # fmt: skip

CPU_FULL = 0.9  # of a share: with CFS the rest is what is lost between two periods
# A box that is held back in most of its periods keeps somebody waiting, however little it used: a
# quota is handed to the cores in slices of 5 ms, and what one core does not use, another lacks
# (kernel: Documentation/scheduler/sched-bwc).
THROTTLED_FULL = 0.75
THROTTLED = 0.5
IN_USE = 0.3
HOST_FULL = 0.95
DISK_FULL = 0.9
DISK_QUEUE = 4.0
MEMORY_NEAR = 0.9
DISK_FILLED = 0.97
TRACE = 0.01  # below it is not worth a word
ONE_KILLED = 0.5  # what `increase` makes of one


def _cpu(figures: Figures, service: str, part: str, resource: str, next_step: str) -> Finding:
    busy, throttled = figures.value("cpu", service), figures.value("throttled", service)
    cores = figures.value("cores", service)
    held_back = throttled if busy >= IN_USE else 0.0
    return Finding(
        part=part,
        resource=resource,
        service=service,
        busy=busy,
        pressure=max(busy / CPU_FULL, held_back / THROTTLED_FULL),
        signs=(busy >= CPU_FULL) + (held_back >= THROTTLED),
        evidence=told(
            (True, f"{busy:.0%} of its {cores:g} core in use"),
            (throttled >= TRACE, f"held back by the kernel in {throttled:.0%} of its periods"),
        ),
        next_step=next_step,
    )


def cpu(figures: Figures) -> Iterator[Finding]:
    """Utilisation: CPU time of its share. Saturation: periods in which it was throttled."""
    known = dict(figures.each("cpu"))
    for service in PATH:
        if service in known:
            next_step = relief.cpu(service, figures.stage())
            yield _cpu(figures, service, f"cpu:{service}", "CPU", next_step)


def generator(figures: Figures) -> Iterator[Finding]:
    """The same of the crowd's own box: at its limit it measures itself."""
    if figures.get("cpu", "locust") is not None:
        yield _cpu(figures, "locust", "generator", "load generator's CPU", relief.GENERATOR)


def host_cpu(figures: Figures) -> Iterator[Finding]:
    """Utilisation: all cores. Saturation: processes that run or want to, by core."""
    busy, load = figures.get("host_cpu"), figures.value("host_load")
    if busy is None:
        return
    cores = figures.value("host_cores")
    stack = figures.value("stack_cores") / (busy * cores) if busy * cores else 0.0
    yield Finding(
        part="host",
        resource="CPU",
        service="the machine",
        busy=busy,
        pressure=busy / HOST_FULL,
        signs=(busy >= HOST_FULL) + (load > 1),
        evidence=(
            f"{busy:.0%} of all cores in use",
            f"{min(stack, 1):.0%} of that by the stack's own boxes",
            f"load average {load:.1f} for each core",
        ),
        next_step=relief.HOST,
    )


def memory(figures: Figures) -> Iterator[Finding]:
    """Utilisation: working set of the limit. Errors: processes that the kernel ended for it.

    A database fills its box with page cache, which the kernel takes back: so full alone is near.
    """
    for service, used in figures.each("memory"):
        killed = figures.value("oom", service)
        if service in PATH:
            yield Finding(
                part=f"memory:{service}",
                resource="memory",
                service=service,
                busy=used,
                pressure=1.5 if killed >= ONE_KILLED else min(used, 0.99),
                signs=(used >= MEMORY_NEAR) + (killed >= ONE_KILLED),
                evidence=told(
                    (True, f"{used:.0%} of its memory in use"),
                    (killed >= ONE_KILLED, f"the kernel ended {killed:.0f} processes for it"),
                ),
                next_step=relief.MEMORY.format(service.upper().split("-")[0]),
            )


def disk(figures: Figures) -> Iterator[Finding]:
    """Utilisation: time in which it had something to do. Saturation: how much at a time."""
    busy, queue = figures.get("disk_busy"), figures.value("disk_queue")
    used = figures.value("disk_used")
    if busy is None:
        return
    full = (busy >= DISK_FULL and queue >= DISK_QUEUE) or used >= DISK_FILLED
    yield Finding(
        part="disk",
        resource="disk",
        service="the machine",
        busy=min(busy, 1.0),
        pressure=1.0 if full else min(busy, used, 0.99),
        signs=(busy >= DISK_FULL) + (queue >= DISK_QUEUE),
        evidence=(
            f"busy {busy:.0%} of the time",
            f"{queue:.1f} requests at a time",
            f"{used:.0%} full",
        ),
        next_step=relief.DISK,
    )


def host_memory(figures: Figures) -> Iterator[Finding]:
    """Utilisation: what the kernel could not give at once."""
    used = figures.get("host_memory")
    if used is not None:
        yield Finding(
            part="host memory",
            resource="memory",
            service="the machine",
            busy=used,
            pressure=used / HOST_FULL,
            evidence=(f"{used:.0%} of the machine's memory in use",),
            next_step="a machine with more memory, or a lower stage: `make stage-1` needs least",
        )
