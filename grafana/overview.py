"""The overview: the path of a request from left to right, each part's figures from top to bottom.

A column is a part: how many run, rate, errors, duration (RED), then how full it is (USE). Below,
the same over time. Parts that the stage does not have say from which stage on they exist.
"""

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import stat
from grafana_foundation_sdk.models.dashboard import Dashboard, DashboardCursorSync, GridPos

from grafana.panels import COLUMNS, SOURCE, side_by_side
from grafana.parts import boxes, host, nginx, postgres, rabbitmq, redis, web, worker

FIGURE_LINES = 3  # of the grid
TREND_LINES = 9

HOPS = [
    nginx.figures("edge", "Edge →", since=5),
    nginx.figures("lb", "Balancer →", since=2),
    web.figures(),
    redis.figures(),
    postgres.figures(),
    rabbitmq.figures(),
    worker.figures(),
    host.figures(),
]

TRENDS = {
    "Requests": web.trends(),
    "Containers and host": boxes.trends() + host.trends(),
    "Cache": redis.trends(),
    "Database": postgres.trends(),
    "Queue and workers": rabbitmq.trends() + worker.trends(),
}

ABOUT = (
    "The path of a request from left to right, with each part's rate, errors, duration and"
    " saturation. The column with the highest saturation is the bottleneck."
)


def _figures() -> list[stat.Panel]:
    panels: list[stat.Panel] = []
    for line, figures in enumerate(zip(*HOPS, strict=True)):
        y, first_id = line * FIGURE_LINES, 100 * (line + 1)
        panels += side_by_side(figures, y=y, height=FIGURE_LINES, first_id=first_id)
    return panels


def _changes() -> build.AnnotationQuery:
    """Mark when parts came or went: a change of stage, a deploy, a scaling, a crash."""
    return (
        build.AnnotationQuery()
        .name("Parts came or went")
        .datasource(SOURCE)
        .enable(enable=True)
        .icon_color("super-light-blue")
        .expr("sum(changes(up[20s])) > 0 or abs(delta(count(up)[20s:5s])) > 0")
        .step("5s")
    )


def dashboard() -> Dashboard:
    """Return the dashboard's model."""
    page = (
        build.Dashboard("Overview: the path of a request")
        .uid("overview")
        .description(ABOUT)
        .tags(["sluice"])
        .readonly()
        .time("now-15m", "now")
        .refresh("10s")
        .timepicker(build.TimePicker().refresh_intervals(["5s", "10s", "30s", "1m", "5m"]))
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .annotation(_changes())
    )
    for figure in _figures():
        page = page.with_panel(figure)
    y = len(HOPS[0]) * FIGURE_LINES
    for number, (title, trends) in enumerate(TRENDS.items()):
        row_id = 1000 + 100 * number
        place = GridPos(h=1, w=COLUMNS, x=0, y=y)
        page = page.with_row(build.Row(title).id(row_id).grid_pos(place))
        for trend in side_by_side(trends, y=y + 1, height=TREND_LINES, first_id=row_id + 1):
            page = page.with_panel(trend)
        y += 1 + TREND_LINES
    return page.build()
