"""What all dashboards share: the frame around figures and rows of panels.

In: figures (one value each, on top) and rows (headings and the panels under them). Out: a
dashboard with links to the others, the same annotations and a shared cursor.
"""

from collections.abc import Sequence

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models.dashboard import (
    Dashboard,
    DashboardCursorSync,
    DashboardLinkType,
    GridPos,
)

from grafana.panels import COLUMNS, SOURCE, TITLES, Panel, Rows, side_by_side

FIGURE_LINES = 3  # of the grid
TREND_LINES = 9

# What happened, as marks on the time axis: above zero while it does, its text, its colour.
# A change is told by its time (stages/changes.py): it is drawn for the half minute after it.
CHANGED = "sluice_stack_changed_timestamp_seconds"
EVENTS = {
    "Stage": (f'{CHANGED}{{what="stage"}} > time() - 30', "stage {{to}}", "blue"),
    "Deploy": (f'{CHANGED}{{what="deploy"}} > time() - 30', "{{to}}", "purple"),
    "Scaling": (f'{CHANGED}{{what="scale"}} > time() - 30', "{{to}}", "super-light-blue"),
    "Alert": ('ALERTS{alertstate="firing"}', "{{alertname}} {{service}}", "red"),
    "Parts came or went": (
        "sum(changes(up[20s])) > 0 or abs(delta(count(up)[20s:5s])) > 0",
        "",
        "#9FA7B3",
    ),
}


def page(uid: str, about: str, figures: Sequence[Sequence[Panel]], rows: Rows) -> Dashboard:
    """Return a dashboard's model. `figures`: lines of them, each as wide as the page."""
    board = (
        build.Dashboard(TITLES[uid])
        .uid(uid)
        .description(about)
        .tags(["sluice"])
        .readonly()
        .time("now-15m", "now")
        .refresh("10s")
        .timepicker(build.TimePicker().refresh_intervals(["5s", "10s", "30s", "1m", "5m"]))
        .tooltip(DashboardCursorSync.CROSSHAIR)
    )
    for other, title in TITLES.items():
        if other != uid:
            to = build.DashboardLink(title).type(DashboardLinkType.LINK).url(f"/d/{other}")
            board = board.link(to.keep_time(keep_time=True))
    for name, (expr, text, colour) in EVENTS.items():
        board = board.annotation(
            build.AnnotationQuery()
            .name(name)
            .datasource(SOURCE)
            .enable(enable=True)
            .icon_color(colour)
            .expr(expr)
            .step("5s")
            .title_format(text)
        )
    y = 0
    for line, panels in enumerate(figures):
        for figure in side_by_side(panels, y=y, height=FIGURE_LINES, first_id=100 * (line + 1)):
            board = board.with_panel(figure)
        y += FIGURE_LINES
    for number, (title, panels) in enumerate(rows.items()):
        row_id = 1000 + 100 * number
        place = GridPos(h=1, w=COLUMNS, x=0, y=y)
        board = board.with_row(build.Row(title).id(row_id).grid_pos(place))
        for panel in side_by_side(panels, y=y + 1, height=TREND_LINES, first_id=row_id + 1):
            board = board.with_panel(panel)
        y += 1 + TREND_LINES
    return board.build()
