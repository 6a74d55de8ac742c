"""Draws a report and makes its page, in the image `report`: `loadtest.ladder.render DIR`."""

from __future__ import annotations

import sys
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from loadtest.ladder import figures, plots, report

HERE = Path(__file__).parent


def main(folder: Path) -> None:
    """Everything that is not JSON or Markdown."""
    told = report.load(folder)
    drawn = plots.draw(told["stages"], folder)
    (folder / "report.html").write_text(page(told, drawn))


def page(told: report.Report, drawn: dict[str, str]) -> str:
    """One page that needs no other file."""
    templates = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return templates.get_template("page.html.j2").render(
        report=told,
        headline=report.headline(told).replace("`", ""),
        plots={name: Markup(svg) for name, svg in drawn.items()},  # noqa: S704  # our own drawing
        said=report.said,
        measured=report.measured,
        services=figures.services(told["stages"]),
        bottlenecks=[line.removeprefix("- ") for line in report.bottlenecks(told)],
        trust=[line.removeprefix("- ") for line in report.trust(told)],
        not_this=report.NOT_THIS,
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
