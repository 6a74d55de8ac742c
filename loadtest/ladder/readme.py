"""The README's figures: written from the JSON of a report in the repository, never by hand."""

from __future__ import annotations

import re
from pathlib import Path

from loadtest.bench.commands import Stop
from loadtest.ladder import report

BEGIN, END = "<!-- ladder:begin -->", "<!-- ladder:end -->"
REGION = re.compile(f"{re.escape(BEGIN)}\n(.*?){re.escape(END)}", re.DOTALL)
REPORT = re.compile(r"\]\((reports/[^)]+)/report\.md\)")


def region(text: str) -> str | None:
    """What stands between the markers; None without them.

    Raises:
        Stop: there is one marker without the other, or more than one pair.
    """
    if BEGIN not in text and END not in text:
        return None
    found = REGION.findall(text)
    if len(found) != 1 or text.count(BEGIN) != 1 or text.count(END) != 1:
        raise Stop(f"the README needs {BEGIN} once, and {END} once after it")
    return str(found[0])


def named(text: str) -> str | None:
    """The folder of the report that the README shows; None when it shows none."""
    found = REPORT.search(region(text) or "")
    return found[1] if found else None


def written(text: str, folder: Path, root: Path) -> str:
    """The README with the figures of a report between its markers.

    Raises:
        Stop: it has no markers, or the report is not whole.
    """
    if region(text) is None:
        raise Stop(f"the README has no place for it: put {BEGIN} and {END} where it shall stand")
    told = report.load(folder)
    if told["partial"]:
        raise Stop(f"{folder} is partial: only a whole ladder is shown")
    return REGION.sub(
        lambda _: f"{BEGIN}\n{_lines(told, folder.resolve().relative_to(root))}{END}", text
    )


def disagrees(text: str, root: Path) -> str | None:
    """Why the README's figures are not its report's; None when they are, or when it has none."""
    if region(text) is None:
        return None
    folder = named(text)
    if folder is None:
        return "there are markers, but they show no report: bin/ladder --readme DIR"
    if written(text, root / folder, root) != text:
        return f"the figures are not those of {folder}: bin/ladder --readme {folder}"
    return None


def _lines(told: report.Report, folder: Path) -> str:
    verdicts = [
        (one["claim"], one["claimed"], report.measured(one), one["verdict"])
        for one in told["claims"]
    ]
    parts = [
        f"![Throughput and latency against users, by stage]({folder}/throughput.png)",
        report.stages_table(told),
        report.table(("claim", "claimed", "measured", "verdict"), verdicts),
        f"{report.headline(told)} All of it: [the report]({folder}/report.md).",
    ]
    return "\n\n".join(parts) + "\n"
