"""The machine that everything runs on. Source: node exporter."""

from grafana_foundation_sdk.builders import stat, timeseries

from grafana.panels import FULL, Query, Rows, limits, lines, running, value
from grafana.promql import OVER_TIME, rate

CPU = "node_cpu_seconds_total"
CORES = f'count({CPU}{{mode="idle"}})'
# Its own interfaces: what containers say to each other does not leave the machine.
OUTSIDE = 'device!~"lo|veth.*|br-.*|docker.*"'
RECEIVED, SENT = "node_network_receive_bytes_total", "node_network_transmit_bytes_total"


def figures() -> list[stat.Panel]:
    """Return the six figures of the machine."""
    root = '{mountpoint="/"}'
    return [
        running("Host", CORES, "Cores of the machine.", look="host", unit="suffix:cores"),
        value(
            "Network",
            rate(SENT, OUTSIDE),
            "Bytes per second that leave the machine.",
            unit="Bps",
            look="host",
        ),
        value(
            "Disk",
            f"1 - min(node_filesystem_avail_bytes{root} / node_filesystem_size_bytes{root})",
            "Of the file system that / is on.",
            unit="percentunit",
            look=FULL,
        ),
        value(
            "Load/core",
            f"sum(node_load1) / {CORES}",
            "Processes that run or wait to, over the last minute, for each core. Above 1 they wait"
            " for each other.",
            unit="none",
            look=limits(1, 2),
        ),
        value(
            "CPU",
            f"1 - {rate(CPU, 'mode="idle"')} / {CORES}",
            "Share of all cores that was busy in the last minute. Above 80 % it is the machine, not"
            " a part, that limits.",
            unit="percentunit",
            look=FULL,
        ),
        value(
            "Memory",
            "1 - sum(node_memory_MemAvailable_bytes) / sum(node_memory_MemTotal_bytes)",
            "Of the machine's memory. Above 90 % it is in danger.",
            unit="percentunit",
            look=limits(0.8, 0.9),
        ),
    ]


def trends() -> list[timeseries.Panel]:
    """Return CPU by what it did, and the bytes of disks and network."""
    busy = rate(CPU, 'mode!="idle"', by="mode", window=OVER_TIME)
    flows = {
        "disk read": rate("node_disk_read_bytes_total", window=OVER_TIME),
        "disk written": rate("node_disk_written_bytes_total", window=OVER_TIME),
        "received": rate(RECEIVED, OUTSIDE, window=OVER_TIME),
        "sent": rate(SENT, OUTSIDE, window=OVER_TIME),
    }
    return [
        lines(
            "CPU of the host",
            [Query(f"{busy} / scalar({CORES})", "{{mode}}")],
            "Share of all cores, by what they did. iowait: waiting for the disk; steal: taken by"
            " the hypervisor.",
            unit="percentunit",
            names=("user", "system", "iowait", "steal", "irq", "softirq", "nice"),
            stacked=True,
            full=FULL,
        ),
        lines(
            "Disk and network",
            [Query(expr, name) for name, expr in flows.items()],
            "Bytes per second of the machine's disks and of its own network interfaces.",
            unit="Bps",
        ),
    ]


def rows() -> Rows:
    """Return all panels about the machine of the dashboard about what everything runs on."""
    return {"Host": [*trends(), *_memory()], "Host: disk and load": _disk()}


def _memory() -> list[timeseries.Panel]:
    total, free = "sum(node_memory_MemTotal_bytes)", "sum(node_memory_MemAvailable_bytes)"
    return [
        lines(
            "Memory of the host",
            [Query(f"{total} - {free}", "used"), Query(total, "limit")],
            "Memory that the kernel could not give back, and all there is.",
            unit="bytes",
        )
    ]


def _disk() -> list[timeseries.Panel]:
    root = '{mountpoint="/"}'
    used = f"1 - min(node_filesystem_avail_bytes{root} / node_filesystem_size_bytes{root})"
    busy = rate("node_disk_io_time_seconds_total", by="device", window=OVER_TIME)
    return [
        lines(
            "Disk busy",
            [Query(busy, "{{device}}")],
            "Share of the time in which the device had something to do.",
            unit="percentunit",
            full=FULL,
        ),
        lines(
            "Disk used",
            [Query(used, "used")],
            "Of the file system that / is on.",
            unit="percentunit",
            full=limits(0.8, 0.9),
        ),
        lines(
            "Load per core",
            [Query(f"sum(node_load{n}) / {CORES}", f"{n} min") for n in (1, 5, 15)],
            "Processes that run or wait to, for each core. Above 1 they wait for each other.",
            unit="none",
        ),
    ]
