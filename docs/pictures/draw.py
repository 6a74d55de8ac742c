"""Draw the five architectures: `python docs/pictures/draw.py` writes stage-1.svg … stage-5.svg.

Every part keeps its place in all five pictures, so that turning the pages shows the growth; what is
new is coloured.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

HERE = Path(__file__).parent
COLUMN, ROW, WIDTH, HEIGHT, LEFT, TOP = 172, 62, 112, 40, 16, 60
FRAME = 8  # between a group of equal boxes and the frame around them

STYLE = """
  text { font: 14px system-ui, sans-serif; fill: #1f2937 }
  text { text-anchor: middle; dominant-baseline: central }
  .title { font-size: 17px; font-weight: 600; text-anchor: start }
  .label { font-size: 11px; fill: #6b7280 }
  .paper { fill: #ffffff }
  .box { fill: #f3f4f6; stroke: #9ca3af; stroke-width: 1.5 }
  .new { fill: #dbeafe; stroke: #2563eb; stroke-width: 2 }
  .frame { fill: none; stroke: #9ca3af; stroke-dasharray: 2 3 }
  .arrow { fill: none; stroke: #6b7280; stroke-width: 1.5; marker-end: url(#head) }
  .later { stroke-dasharray: 5 4 }
  #head path { fill: #6b7280 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e5e7eb } .label { fill: #9ca3af } .paper { fill: #0d1117 }
    .box { fill: #1f2937; stroke: #6b7280 } .new { fill: #1e3a8a; stroke: #60a5fa }
    .arrow { stroke: #9ca3af } #head path { fill: #9ca3af }
  }
"""


HEAD = (
    '<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7"'
    ' markerHeight="7" orient="auto"><path d="M0 0 10 5 0 10z"/></marker></defs>'
)


@dataclass(frozen=True)
class Part:
    """A box: the place in the grid (column, row) and the first stage that has it."""

    text: str
    column: float
    row: float
    since: int
    until: int = 5

    def side(self, dx: int, dy: int) -> tuple[float, float]:
        """Return the middle of one side; (1, 0) is the right one, (0, 1) the lower one."""
        x = LEFT + self.column * COLUMN + WIDTH / 2
        y = TOP + self.row * ROW + HEIGHT / 2
        return x + dx * WIDTH / 2, y + dy * HEIGHT / 2


USER = Part("users", 0, 1, 1)
EDGE = Part("edge (CDN)", 1, 1, 5)
BALANCER = Part("lb (Nginx)", 2, 1, 2)
WEB_1, WEB_2, WEB_3 = Part("web-1", 3, 0, 2), Part("web-2", 3, 1, 2), Part("web-3", 3, 2, 2)
WEB = Part("web", 3, 1, 1, until=1)
REDIS = Part("Redis", 4, 0.5, 4)
REPLICA_1, REPLICA_2 = Part("replica-1", 5, 0, 3), Part("replica-2", 5, 1, 3)
PRIMARY = Part("primary", 5, 2.2, 1)
RELAY, QUEUE = Part("relay", 5, 3.4, 5), Part("RabbitMQ", 4, 3.4, 5)
WORKER, MAIL = Part("worker", 3, 3.4, 5), Part("mail", 2, 3.4, 1)
PARTS = [
    USER,
    EDGE,
    BALANCER,
    WEB,
    WEB_1,
    WEB_2,
    WEB_3,
    REDIS,
    REPLICA_1,
    REPLICA_2,
    PRIMARY,
    RELAY,
    QUEUE,
    WORKER,
    MAIL,
]

TITLES = {
    1: "Stage 1: one web server, one database",
    2: "Stage 2: a load balancer and three replicas",
    3: "Stage 3: reads go to two streaming replicas",
    4: "Stage 4: most reads end at the cache",
    5: "Stage 5: an edge in front, slow work behind a queue",
}


Point = tuple[float, float]


@dataclass(frozen=True)
class Arrow:
    """A line from one point to another; `later` is what happens on a miss or behind the answer."""

    start: Point
    end: Point
    label: str = ""
    later: bool = False

    def svg(self) -> str:
        """Return the line, bent where it leads down and to the left, with its label."""
        (x1, y1), (x2, y2) = self.start, self.end
        bend = x2 < x1 and y2 > y1
        line = f"M{x1} {y1} V{y2} H{x2}" if bend else f"M{x1} {y1} L{x2} {y2}"
        x, y = (x1 + x2) / 2, (y1 + y2) / 2 - 10
        if bend:
            y = y2 - 10
        elif x1 == x2:
            x, y = x1 + 24, (y1 + y2) / 2
        elif y1 != y2:
            x, y = x + 6, y - 2 if y2 < y1 else y + 24
        text = f'<text class="label" x="{x}" y="{y}">{self.label}</text>' if self.label else ""
        return f'<path class="arrow{" later" if self.later else ""}" d="{line}"/>{text}'


def group(parts: list[Part]) -> tuple[Point, Point]:
    """Return the upper left and the lower right corner of the frame around equal boxes."""
    (left, top), (right, bottom) = parts[0].side(-1, -1), parts[-1].side(1, 1)
    frame = FRAME if len(parts) > 1 else 0
    return (left - frame, top - frame), (right + frame, bottom + frame)


def arrows(stage: int) -> list[Arrow]:
    """Return the arrows of a stage, in the order of a request."""
    right, left, down = (1, 0), (-1, 0), (0, 1)
    (web_left, _), (web_right, web_bottom) = group([WEB] if stage == 1 else [WEB_1, WEB_2, WEB_3])
    web_in, web_out = (web_left, WEB.side(*left)[1]), (web_right, WEB.side(*right)[1])
    (replicas_left, replicas_top), (_, replicas_bottom) = group([REPLICA_1, REPLICA_2])
    replicas_in = (replicas_left, (replicas_top + replicas_bottom) / 2)

    door = {1: web_in, 5: EDGE.side(*left)}.get(stage, BALANCER.side(*left))
    drawn = [Arrow(USER.side(*right), door)]
    if stage == 5:
        drawn.append(Arrow(EDGE.side(*right), BALANCER.side(*left), "misses"))
    if stage > 1:
        drawn.append(Arrow(BALANCER.side(*right), web_in))
    if stage == 3:
        drawn.append(Arrow(web_out, replicas_in, "reads"))
    if stage >= 4:
        drawn.append(Arrow(web_out, REDIS.side(*left)))
        drawn.append(Arrow(REDIS.side(*right), replicas_in, "misses", later=True))
    drawn.append(Arrow(web_out, PRIMARY.side(*left), "writes" if stage >= 3 else ""))
    if stage >= 3:
        x, y = PRIMARY.side(0, -1)
        drawn.append(Arrow((x, y), (x, replicas_bottom), "WAL", later=True))
    if stage < 5:
        drawn.append(Arrow((WEB.side(*down)[0], web_bottom), MAIL.side(*right), "in the request"))
    else:
        drawn.append(Arrow(PRIMARY.side(*down), RELAY.side(0, -1), "outbox", later=True))
        row = [RELAY, QUEUE, WORKER, MAIL]
        drawn += [Arrow(a.side(*left), b.side(*right), later=True) for a, b in pairwise(row)]
    return drawn


def picture(stage: int) -> str:
    """Return the SVG of one stage."""
    width, height = LEFT * 2 + COLUMN * 5 + WIDTH, TOP + ROW * 4.3
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
        f"<title>{TITLES[stage]}</title><style>{STYLE}</style>",
        HEAD,
        f'<rect class="paper" width="{width}" height="{height}" rx="8"/>',
        f'<text class="title" x="{LEFT}" y="26">{TITLES[stage]}</text>',
    ]
    for parts in [[WEB_1, WEB_2, WEB_3], [REPLICA_1, REPLICA_2]]:
        if parts[0].since <= stage:
            (x1, y1), (x2, y2) = group(parts)
            place = f'x="{x1}" y="{y1}" width="{x2 - x1}" height="{y2 - y1}"'
            lines.append(f'<rect class="frame" {place} rx="10"/>')
    lines += [arrow.svg() for arrow in arrows(stage)]
    for part in PARTS:
        if part.since <= stage <= part.until:
            x, y = part.side(-1, -1)
            kind = "new" if part.since == stage else "box"
            lines.append(
                f'<rect class="{kind}" x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="7"/>'
            )
            lines.append(f'<text x="{x + WIDTH / 2}" y="{y + HEIGHT / 2}">{part.text}</text>')
    return "\n".join([*lines, "</svg>", ""])


def main() -> int:
    """Write the pictures; with --check, say which are not what this code draws."""
    stale = [
        n
        for n in TITLES
        if not (file := HERE / f"stage-{n}.svg").exists() or file.read_text() != picture(n)
    ]
    if "--check" in sys.argv:
        return len(stale)
    for stage in stale:
        (HERE / f"stage-{stage}.svg").write_text(picture(stage))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
