"""Write the dashboards that Grafana is given: `python -m grafana.build [--check]`.

In: the modules that describe one dashboard each. Out: `dashboards/NAME.json`, the same bytes every
time. With `--check` nothing is written: exit code 1 and one line say which file is not what the
code says.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana import details, ladder

FOLDER = Path(__file__).parent / "dashboards"

DASHBOARDS: dict[str, Callable[[], Dashboard]] = {
    "ladder": ladder.dashboard,
    "web": details.of_web,
    "database": details.of_database,
    "cache": details.of_cache,
    "jobs": details.of_jobs,
    "proxies": details.of_proxies,
    "machines": details.of_machines,
    "slo": details.of_objectives,
}


def render(dashboard: Dashboard) -> str:
    """Return the dashboard's JSON model, in a stable order, one change a line."""
    return JSONEncoder(sort_keys=True, indent=2).encode(dashboard) + "\n"


def main() -> int:
    """Write or check all dashboards, and return the exit code."""
    parser = argparse.ArgumentParser(prog="grafana.build", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only compare; exit 1 on a difference")
    only_compare = parser.parse_args().check
    stale = []
    for name, build in DASHBOARDS.items():
        file, text = FOLDER / f"{name}.json", render(build())
        if file.exists() and file.read_text(encoding="utf-8") == text:
            continue
        if only_compare:
            stale.append(file.name)
        else:
            file.write_text(text, encoding="utf-8")
    stale += [file.name for file in FOLDER.glob("*.json") if file.stem not in DASHBOARDS]
    if stale:
        sys.stderr.write(f"not what grafana/ says: {', '.join(stale)}: python -m grafana.build\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
