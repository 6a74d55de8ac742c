"""The plots, by matplotlib: SVG for the page, PNG for everything else.

Colours are Okabe and Ito's, which people who see colours differently can tell apart
(https://jfly.uni-koeln.de/color/); stages differ by their markers as well.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from loadtest.ladder.figures import PATH, WATCHING
from loadtest.ladder.search import P95_MS

mpl.rcParams.update(
    {
        "font.family": "DejaVu Sans",
        "font.size": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": "#e3e3e3",
        "grid.linewidth": 0.7,
        "legend.frameon": False,
        "svg.fonttype": "none",  # text stays text: it can be read out, searched and copied
        "svg.hashsalt": "sluice",  # the same report makes the same file
    }
)

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
GREY = "#999999"
STAGE = {
    1: (BLACK, "o"),
    2: (ORANGE, "s"),
    3: (SKY, "^"),
    4: (GREEN, "D"),
    5: (VERMILION, "P"),
}
# In the order of a request, so that the bars read upwards as the request goes down.
SERVICE = {
    "edge": (VERMILION, ""),
    "lb": (ORANGE, ""),
    "web": (BLUE, ""),
    "redis": (PURPLE, ""),
    "primary": (GREEN, ""),
    "replica-1": (GREEN, "//"),
    "replica-2": (GREEN, "\\\\"),
    "relay": (SKY, ""),
    "rabbitmq": (SKY, "//"),
    "worker": (SKY, "\\\\"),
    "mail": (YELLOW, ""),
    WATCHING: (GREY, ".."),
}
DPI = 160

Stage = dict[str, Any]


def draw(stages: list[Stage], folder: Path) -> dict[str, str]:
    """Write NAME.png for each plot; return each as SVG, by name."""
    kinds: dict[str, Callable[[list[Stage]], Figure]] = {
        "throughput": throughput,
        "cpu": cpu,
        "statements": statements,
    }
    drawn = {}
    for name, kind in kinds.items():
        figure = kind(stages)
        figure.savefig(folder / f"{name}.png", dpi=DPI, metadata={"Software": None})
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None})
        svg = text.getvalue()
        drawn[name] = svg[svg.index("<svg") :]
    return drawn


def throughput(stages: list[Stage]) -> Figure:
    """Answers per second and p95 against users, a line for each stage; its knee is marked."""
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    served, late = figure.subplots(1, 2)
    for stage in stages:
        _line(served, stage, "good_rps")
        _line(late, stage, "p95_ms")
    served.set(ylabel="good answers a second", ylim=(0, None), title="Throughput")
    late.set(ylabel="p95, ms", yscale="log", title="Latency")
    late.axhline(P95_MS, color=GREY, linestyle="--", linewidth=1)
    late.annotate(
        "500 ms",
        (1, P95_MS),
        xycoords=("axes fraction", "data"),
        ha="right",
        va="bottom",
        color="#666",
    )
    for axes in (served, late):
        axes.set(xlabel="users", xscale="log")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.0f}"))
        axes.xaxis.set_minor_formatter(FuncFormatter(_two_and_five))
    late.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:,.0f}"))
    figure.legend(
        *served.get_legend_handles_labels(), loc="outside lower center", ncols=len(stages) or 1
    )
    return figure


def cpu(stages: list[Stage]) -> Figure:
    """Milliseconds of CPU time a request at the knee, by service."""
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    axes = figure.subplots()
    below = [0.0] * len(stages)
    places = range(len(stages))
    for name in (*PATH, WATCHING):
        told = [stage["cpu_ms_per_request"].get(name) for stage in stages]
        if not any(told):
            continue
        heights = [one["median"] if one else 0.0 for one in told]
        colour, hatch = SERVICE[name]
        axes.bar(
            places, heights, 0.62, bottom=below, label=name, color=colour, hatch=hatch,
            edgecolor="white", linewidth=0.6,
        )  # fmt: skip
        below = [low + height for low, height in zip(below, heights, strict=True)]
    for place, top in zip(places, below, strict=True):
        axes.annotate(f"{top:.1f}", (place, top), ha="center", va="bottom", xytext=(0, 2),
                      textcoords="offset points")  # fmt: skip
    axes.set(ylabel="ms of CPU time a request", title="Where the CPU time goes, at the knee")
    _label_stages(axes, stages)
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles[::-1], labels[::-1], loc="outside right center")
    return figure


def statements(stages: list[Stage]) -> Figure:
    """What a request asks of the databases, with the spread of the rounds."""
    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.subplots()
    for place, stage in enumerate(stages):
        told = stage["statements_per_request"]
        if not told:
            continue
        away = [[told["median"] - told["least"]], [told["most"] - told["median"]]]
        axes.bar(place, told["median"], 0.62, color=GREEN, yerr=away, capsize=4)
        axes.annotate(f"{told['median']:.2f}", (place, told["most"]), ha="center", va="bottom",
                      xytext=(0, 3), textcoords="offset points")  # fmt: skip
    axes.set(ylabel="statements a request", title="What a request asks of the databases")
    _label_stages(axes, stages)
    return figure


def _line(axes: Axes, stage: Stage, name: str) -> None:
    points = [(one["users"], one[name]) for one in stage["curve"] if one[name]]
    colour, marker = STAGE[stage["stage"]]
    users = [each for each, _ in points]
    middle = [told["median"] for _, told in points]
    axes.fill_between(
        users, [t["least"] for _, t in points], [t["most"] for _, t in points],
        color=colour, alpha=0.15, linewidth=0,
    )  # fmt: skip
    axes.plot(
        users, middle, color=colour, marker=marker, markersize=5, linewidth=1.6,
        label=f"stage {stage['stage']}",
    )  # fmt: skip
    knee = stage["knee"]["users"]
    at = dict(zip(users, middle, strict=True))
    if knee and at:
        nearest = min(at, key=lambda each: abs(each - knee["median"]))
        axes.plot(nearest, at[nearest], marker=marker, markersize=12, color=colour,
                  markerfacecolor="none", markeredgewidth=1.8)  # fmt: skip


def _label_stages(axes: Axes, stages: list[Stage]) -> None:
    axes.set_xticks(range(len(stages)), [f"stage {stage['stage']}" for stage in stages])
    axes.grid(visible=False, axis="x")
    axes.margins(y=0.12)


def _two_and_five(x: float, _: object) -> str:
    return f"{x:,.0f}" if f"{x:e}"[0] in "25" else ""
