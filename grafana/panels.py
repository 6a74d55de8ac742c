"""How a panel looks, in every dashboard: colours, thresholds, and what stands where nothing is.

In: a title, queries and what they mean. Out: builders of grafana-foundation-sdk. The same thing
has the same colour everywhere, and every panel says in its description what is measured and where.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import common, prometheus, stat, table, timeseries
from grafana_foundation_sdk.builders.dashboard import DashboardLink, FieldColor, ThresholdsConfig
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common as shapes
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from grafana.colours import COLOURS

COLUMNS = 24
SOURCE = shapes.DataSourceRef(type_val="prometheus", uid="prometheus")

# The dashboards: the end of their address, and their title.
TITLES = {
    "ladder": "The ladder",
    "web": "Web",
    "database": "Database",
    "cache": "Cache",
    "jobs": "Queue and workers",
    "proxies": "Edge and balancer",
    "machines": "Hosts and containers",
    "slo": "SLO",
}

GOOD, WARNING, BAD, ABSENT = "green", "yellow", "red", "#7b8087"


@dataclass(frozen=True, slots=True)
class Query:
    """A PromQL expression and the name of what it gives. `every`: how often that is measured."""

    expr: str
    legend: str
    every: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: a PromQL expression that gives a value a row, its name and unit."""

    expr: str
    name: str
    unit: str


type Panel = stat.Panel | timeseries.Panel | table.Panel
type Rows = dict[str, Sequence[Panel]]  # what stands beside each other, by its heading


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
    cause: str = "",
) -> stat.Panel:
    """One figure, as it is now: asked for as an instant, so that a part that left shows at once.

    `since`: the first stage that has it. `look`: whose colour it has, or the limits that colour it.
    `cause`: the dashboard to look at next when the figure is bad.
    """
    panel = (
        stat.Panel()
        .title(title)
        .description(about)
        .links(links([cause] if cause else []))
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
    causes: Sequence[str] = (),
) -> timeseries.Panel:
    """Figures over time. `full`: a share of something that can be full, with these limits.

    `causes`: the dashboards to look at next when the figures are bad.

    `names`: what the lines may be called where a label says it, for those with a colour.
    """
    legend = common.VizLegendOptions().show_legend(show_legend=True)
    tooltip = common.VizTooltipOptions().mode(shapes.TooltipDisplayMode.MULTI)
    others = FieldColor().mode(model.FieldColorModeId.PALETTE_CLASSIC)
    panel = (
        timeseries.Panel()
        .title(title)
        .description(about)
        .links(links(causes))
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
    if unit == "percentunit" and full is None:
        panel = panel.axis_soft_max(0.1)  # otherwise a line of zeros has an axis up to 10,000 %
    if full is not None:
        dashed = common.GraphThresholdsStyleConfig().mode(shapes.GraphThresholdsStyleMode.DASHED)
        panel = panel.axis_soft_max(1).thresholds(full).thresholds_style(dashed)
    for name in names or [query.legend for query in queries]:
        if name in COLOURS:
            fixed = {"mode": "fixed", "fixedColor": COLOURS[name]}
            colour = model.DynamicConfigValue(id_val="color", value=fixed)
            panel = panel.override_by_name(name, [colour])
    return panel


def ranked(
    title: str,
    row: Mapping[str, str],
    columns: Sequence[Column],
    about: str,
    *,
    since: int = 1,
) -> table.Panel:
    """A table of figures as they are now, highest first. `row`: a row's labels and their headings.

    The columns' expressions give one value for each combination of these labels.
    """
    panel = (
        table.Panel()
        .title(title)
        .description(about)
        .datasource(SOURCE)
        .no_value(_absence(since))
        .sort_by([common.TableSortByFieldState().display_name(columns[0].name).desc(desc=True)])
    )
    names, order = dict(row), {label: place for place, label in enumerate(row)}
    for place, column in enumerate(columns):
        target = _target(Query(column.expr, column.name), place).instant()
        panel = panel.with_target(target.format(PromQueryFormat.TABLE))
        # With one query Grafana calls the value "Value", with several by their letters as well.
        given = "Value" if len(columns) == 1 else f"Value #{chr(ord('A') + place)}"
        names[given], order[given] = column.name, len(row) + place
        looks = [
            model.DynamicConfigValue(id_val="unit", value=column.unit),
            model.DynamicConfigValue(id_val="custom.width", value=110),
        ]
        panel = panel.override_by_name(column.name, looks)
    shown = {"excludeByName": {"Time": True}, "renameByName": names, "indexByName": order}
    return panel.with_transformation(
        model.DataTransformerConfig(id_val="merge", options={})
    ).with_transformation(model.DataTransformerConfig(id_val="organize", options=shown))


def links(uids: Sequence[str]) -> list[Builder[model.DashboardLink]]:
    """Return links to other dashboards, in the order in which to look at them."""
    return [
        DashboardLink(f"Look for the cause: {TITLES[uid]}")
        .type(model.DashboardLinkType.LINK)
        .url(f"/d/{uid}?${{__url_time_range}}")
        for uid in uids
    ]


def side_by_side(panels: Sequence[Panel], *, y: int, height: int, first_id: int) -> list[Panel]:
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
