"""What a run says last, for a person: a few lines under Locust's table."""

from loadtest.counted import Figures


def in_words(summary: Figures) -> str:
    """The run in words; `summary` is as from `counted.summary`."""
    lines = [
        "{shape}: {requests} requests in {seconds} s ({rps} a second), {failures} failed, "
        "{users} users at most".format_map(summary),
        latencies(summary),
    ]
    if arrivals := summary.get("arrivals"):
        lines.append(
            "arrivals: {begun} begun at {rate:g} a second, {late} of them late for want of a free "
            "person (at most {latest_ms} ms; pool of {pool}), {unserved} not served".format_map(
                arrivals
            )
        )
    if summary["shape"] == "spike":
        lines += _by_part(summary, 3, ("before", "during", "after"))
    if summary["shape"] == "soak":
        lines += _by_part(summary, 2, ("first half", "second half"))
    if "knee" in summary:
        knee = summary["knee"]
        lines.append(
            "knee: {rps} a second with {users} users, p95 {p95_ms} ms".format_map(knee)
            if knee
            else "knee: below the first step; give fewer USERS"
        )
    generator = summary["generator"]
    lines.append(
        f"generator: {generator['cpu_share']:.0%} of its CPU,"
        f" event loop late by {generator['late_p95_ms']} ms (p95)"
    )
    if not summary["usable"]:
        lines.append(f"UNUSABLE: {summary['reason']}: raise LOCUST_CPUS, or add WORKERS=2")
    return "\n".join(lines)


def latencies(figures: Figures) -> str:
    """The percentiles of some requests."""
    return (
        "p50 {p50_ms} ms, p95 {p95_ms} ms, p99 {p99_ms} ms, p99.9 {p99_9_ms} ms, max {max_ms} ms"
    ).format_map(figures)


def _by_part(summary: Figures, parts: int, names: tuple[str, ...]) -> list[str]:
    """The worst slice of each part of the time."""
    slices, lines = summary["slices"], []
    if len(slices) < parts:
        return []
    for part, name in enumerate(names):
        mine = slices[part * len(slices) // parts : (part + 1) * len(slices) // parts]
        worst = max(one["p95_ms"] for one in mine)
        failures = sum(one["failures"] for one in mine)
        lines.append(f"{name}: p95 at most {worst} ms in any ten seconds, {failures} failed")
    return lines
