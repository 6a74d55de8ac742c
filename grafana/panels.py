"""How a panel looks, in every dashboard: colours, thresholds, and what stands where nothing is.

In: a title, queries and what they mean. Out: builders of grafana-foundation-sdk. The same thing
has the same colour everywhere, and every panel says in its description what is measured and where.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self

from grafana_foundation_sdk.builders import common, prometheus, stat, timeseries
from grafana_foundation_sdk.builders.dashboard import FieldColor, ThresholdsConfig
from grafana_foundation_sdk.models import common as shapes
from grafana_foundation_sdk.models import dashboard as model

COLUMNS = 24
SOURCE = shapes.DataSourceRef(type_val="prometheus", uid="prometheus")

GOOD, WARNING, BAD, ABSENT = "green", "yellow", "red", "#7b8087"

# One colour a part of the stack, whatever is measured of it, and one a kind of answer or work.
COLOURS = {
    "edge": "#B877D9",
    "lb": "#5794F2",
    "web": "#37BBCA",
    "redis": "#FF9830",
    "primary": "#C08A00",
    "replica-1": "#F2CC0C",
    "replica-2": "#DEB887",
    "replica": "#F2CC0C",
    "rabbitmq": "#D683CE",
    "relay": "#A78BCB",
    "worker": "#B5CC3B",
    "host": "#9FA7B3",
    "2xx": "green",
    "3xx": "super-light-green",
    "4xx": "yellow",
    "5xx": "red",
    "p50": "green",
    "p95": "yellow",
    "p99": "red",
    "hit": "green",
    "negative": "super-light-green",
    "miss": "orange",
    "wait": "yellow",
    "fenced": "purple",
    "error": "red",
    "used": "orange",
    "limit": "#9FA7B3",
    "evicted": "red",
    "expired": "blue",
    "published": "blue",
    "acknowledged": "green",
    "waiting": "yellow",
    "user": "blue",
    "system": "orange",
    "iowait": "red",
    "steal": "purple",
    "irq": "dark-green",
    "softirq": "green",
    "nice": "super-light-blue",
    "disk read": "super-light-purple",
    "disk written": "purple",
    "received": "super-light-green",
    "sent": "green",
}


@dataclass(frozen=True, slots=True)
class Query:
    """A PromQL expression and the name of what it gives. `every`: how often that is measured."""

    expr: str
    legend: str
    every: str = ""


class Panel(Protocol):
    """What all panel builders of the SDK share, as far as it is used here."""

    def id(self, id_val: int) -> Self:
        """Set the number that addresses and annotations know the panel by."""

    def grid_pos(self, grid_pos: model.GridPos) -> Self:
        """Set place and size, in cells of the grid."""


def limits(warning: float, bad: float) -> ThresholdsConfig:
    """Green, yellow from `warning` on, red from `bad` on; if `bad` is lower, red below it."""
    rises = warning <= bad
    low, high = sorted((warning, bad))
    steps = [
        model.Threshold(color=GOOD if rises else BAD),
        model.Threshold(color=WARNING, value=low),
        model.Threshold(color=BAD if rises else GOOD, value=high),
    ]
    return ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(steps)


FULL = limits(0.8, 0.95)  # of a resource: from 80 % on, the seed says, scale out


def value(
    title: str,
    expr: str,
    about: str,
    *,
    unit: str,
    since: int = 1,
    look: str | ThresholdsConfig,
) -> stat.Panel:
    """One figure, as it is now: asked for as an instant, so that a part that left shows at once.

    `since`: the first stage that has it. `look`: whose colour it has, or the limits that colour it.
    """
    panel = (
        stat.Panel()
        .title(title)
        .description(about)
        .datasource(SOURCE)
        .with_target(_target(Query(expr, title), 0).instant())
        .unit(unit)
        .no_value(_absence(since))
        .mappings(_nothing(since))
        .reduce_options(common.ReduceDataOptions().calcs(["last"]))
        .graph_mode(shapes.BigValueGraphMode.NONE)
        .color_mode(shapes.BigValueColorMode.VALUE)
        .text_mode(shapes.BigValueTextMode.VALUE)
    )
    if isinstance(look, str):
        fixed = FieldColor().mode(model.FieldColorModeId.FIXED).fixed_color(COLOURS[look])
        return panel.color_scheme(fixed)
    by_value = FieldColor().mode(model.FieldColorModeId.THRESHOLDS)
    return panel.thresholds(look).color_scheme(by_value)


def running(
    title: str, expr: str, about: str, *, since: int = 1, look: str, unit: str = "suffix:up"
) -> stat.Panel:
    """The head of a part's column: how many of it run, on its colour; red when none does."""
    down = model.ValueMap({"0": model.ValueMappingResult(text="down", color=BAD, index=2)})
    panel = value(title, expr, about, unit=unit, since=since, look=look)
    panel = panel.color_mode(shapes.BigValueColorMode.BACKGROUND_SOLID)
    return panel.mappings([*_nothing(since), down])


def lines(
    title: str,
    queries: Sequence[Query],
    about: str,
    *,
    unit: str,
    since: int = 1,
    names: Sequence[str] = (),
    stacked: bool = False,
    full: ThresholdsConfig | None = None,
) -> timeseries.Panel:
    """Figures over time. `full`: a share of something that can be full, with these limits.

    `names`: what the lines may be called where a label says it, for those with a colour.
    """
    legend = common.VizLegendOptions().show_legend(show_legend=True)
    tooltip = common.VizTooltipOptions().mode(shapes.TooltipDisplayMode.MULTI)
    others = FieldColor().mode(model.FieldColorModeId.PALETTE_CLASSIC)
    panel = (
        timeseries.Panel()
        .title(title)
        .description(about)
        .datasource(SOURCE)
        .targets([_target(query, place).range() for place, query in enumerate(queries)])
        .unit(unit)
        .min(0)
        .no_value(_absence(since))
        .color_scheme(others)
        .line_width(1)
        .fill_opacity(30 if stacked else 8)
        .show_points(shapes.VisibilityMode.NEVER)
        .legend(legend)
        .tooltip(tooltip.sort(shapes.SortOrder.DESCENDING))
    )
    if stacked:
        panel = panel.stacking(common.StackingConfig().mode(shapes.StackingMode.NORMAL).group("A"))
    if full is not None:
        dashed = common.GraphThresholdsStyleConfig().mode(shapes.GraphThresholdsStyleMode.DASHED)
        panel = panel.axis_soft_max(1).thresholds(full).thresholds_style(dashed)
    for name in names or [query.legend for query in queries]:
        if name in COLOURS:
            fixed = {"mode": "fixed", "fixedColor": COLOURS[name]}
            colour = model.DynamicConfigValue(id_val="color", value=fixed)
            panel = panel.override_by_name(name, [colour])
    return panel


def side_by_side[P: Panel](panels: Sequence[P], *, y: int, height: int, first_id: int) -> list[P]:
    """Set panels beside each other, equally wide, over the whole width."""
    width = COLUMNS // len(panels)
    return [
        panel.id(first_id + n).grid_pos(model.GridPos(h=height, w=width, x=n * width, y=y))
        for n, panel in enumerate(panels)
    ]


def _target(query: Query, place: int) -> prometheus.Dataquery:
    target = prometheus.Dataquery().expr(query.expr).legend_format(query.legend)
    target = target.ref_id(chr(ord("A") + place)).datasource(SOURCE)
    return target.interval(query.every) if query.every else target


def _absence(since: int) -> str:
    return "no data" if since == 1 else f"from stage {since} on"


def _nothing(
    since: int,
) -> list[model.ValueMap | model.RangeMap | model.RegexMap | model.SpecialValueMap]:
    absent = model.ValueMappingResult(text=_absence(since), color=ABSENT, index=0)
    idle = model.ValueMappingResult(text="idle", color=ABSENT, index=1)
    null, nan = model.SpecialValueMatch.NULL, model.SpecialValueMatch.NA_N
    return [
        model.SpecialValueMap(model.DashboardSpecialValueMapOptions(null, absent)),
        model.SpecialValueMap(model.DashboardSpecialValueMapOptions(nan, idle)),
    ]
