"""The generator watches itself: a load that cannot be sent is not a site that is fast, or slow.

Twenty times a second it looks how late its own event loop is, and each second how much of its CPU
it used. A Locust process has one thread, so one core is the most that it can use; a box with a
smaller quota has that.
"""

import time
from pathlib import Path

import gevent

from loadtest.counted import Counted, bucket

EVERY_S = 0.05


def cpus(cgroup: Path = Path("/sys/fs/cgroup")) -> float:
    """The CPU that this process may use: its cgroup's quota (v2 or v1), at most one core."""
    try:
        quota, period = (cgroup / "cpu.max").read_text().split()
    except OSError:
        try:
            quota = (cgroup / "cpu/cpu.cfs_quota_us").read_text().strip()
            period = (cgroup / "cpu/cpu.cfs_period_us").read_text()
        except OSError:
            return 1.0
    if quota in ("max", "-1"):
        return 1.0
    return min(1.0, int(quota) / int(period))


def watch(counted: Counted, start: float) -> None:
    """Look until the greenlet is killed; `start` is the run's (perf_counter)."""
    looked, used = time.perf_counter(), time.process_time()
    while True:
        due = time.perf_counter() + EVERY_S
        gevent.sleep(EVERY_S)
        now = time.perf_counter()
        here = counted.at(now - start)
        here.late[bucket(max(0.0, now - due) * 1000)] += 1
        if now - looked >= 1:
            cpu_s = time.process_time()
            here.cpu_s += cpu_s - used
            here.watched_s += now - looked
            looked, used = now, cpu_s
