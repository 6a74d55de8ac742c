"""Logs: one JSON object a line on standard output, ours and the libraries' alike.

`logs.get().info("job_done", kind=…, ms=…)`: the event is a name in past tense, the rest are fields.
What is written while a request is answered carries its id, and what is written for a job (`carry`)
that job's and its request's. The fields that all services share: docs/logs.md.

Lines leave within `_JOIN_S`, together: each write wakes whoever collects them, and costs more than
the line. At the end of the process, however it ends but by SIGKILL, the last ones are written.
"""

import asyncio
import atexit
import logging
import sys
import time
from collections.abc import Iterable
from typing import Any, BinaryIO, ClassVar, cast

import orjson
import structlog

from app import timing

type Logger = structlog.typing.FilteringBoundLogger

_JOIN_S = 0.05
_KEPT_MAX = 1000  # lines; a full collector makes us wait, not grow


class _Output:
    """Standard output, written in blocks while an event loop runs, else at once."""

    def __init__(self) -> None:
        self._lines: list[bytes] = []
        atexit.register(self._write_all)

    def write(self, line: bytes) -> None:
        """Take a line, with its line break."""
        self._lines.append(line)
        if len(self._lines) > _KEPT_MAX:
            self._write_all()
        elif len(self._lines) == 1:
            try:
                asyncio.get_running_loop().call_later(_JOIN_S, self._write_all)
            except RuntimeError:  # no loop: a start, an end, or a thread
                self._write_all()

    def flush(self) -> None:
        """Nothing: lines leave soon by themselves."""

    def _write_all(self) -> None:
        lines, self._lines = self._lines, []
        if lines:
            sys.stdout.buffer.write(b"".join(lines))
            sys.stdout.buffer.flush()


_output = _Output()


class _Lines(dict[timing.Kind, bytes]):
    """The lines of requests of a kind: what is left open differs from one request to the next."""

    def __init__(self, same_in_all: dict[str, str]) -> None:
        self._same_in_all = same_in_all

    def __missing__(self, kind: timing.Kind) -> bytes:
        said = (*kind, self._same_in_all)
        method, route, status, cache, same = (
            orjson.dumps(each).replace(b"%", b"%%") for each in said
        )
        self[kind] = (
            b'{"request_id":"%%b","method":%b,"route":%b,"path":%%b,"status":%b,"ms":%%.2f,'
            b'"cache":%b,"statements":%%d,"event":"request_answered","level":"info",'
            b'"time":"%%b.%%06dZ",%b\n'
        ) % (method, route, status, cache, same[1:])
        return self[kind]


class _This:
    """What `start` set for this process."""

    level = logging.INFO
    same_in_all: ClassVar[dict[str, str]] = {"service": "-"}
    lines = _Lines(same_in_all)


def get() -> Logger:
    """A logger. Cheap to keep; the settings of `start` apply even if they come later."""
    logger: Logger = structlog.get_logger()
    return logger


def carry(**fields: Any) -> None:
    """Have these fields in each line that this task writes from now on."""
    structlog.contextvars.bind_contextvars(**fields)


def ms_since(began: float) -> float:
    """Milliseconds since then, by `time.perf_counter`. A line with `ms` tells of what began so long
    before it was written.
    """
    return round((time.perf_counter() - began) * 1000, 2)


def start(level: str, *, service: str, stage: str = "") -> None:
    """Set up logging for this process. What it is, and the level, stand in every line."""
    number = logging.getLevelNamesMapping()[level.upper()]
    _This.level = number
    _This.same_in_all = {"service": service, **({"stage": stage} if stage else {})}
    _This.lines = _Lines(_This.same_in_all)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            structlog.processors.dict_tracebacks,
            _say_whose,
            structlog.processors.JSONRenderer(serializer=_json),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.BytesLoggerFactory(file=cast("BinaryIO", _output)),
        cache_logger_on_first_use=True,
    )
    # Libraries speak through the standard module: the same lines, from warnings on.
    logging.basicConfig(handlers=[_Forward()], level=max(number, logging.WARNING), force=True)
    # pika tells each trouble of a connection several times; what follows from it, we tell.
    logging.getLogger("pika").setLevel(logging.CRITICAL)


def requests_answered(records: Iterable[timing.Record], since: float) -> None:
    """The lines of some requests, as `get().info` would write them, at a tenth of its price.

    What many lines have in common is encoded once. `since` is what turns the clock of the records
    into seconds since 1970.
    """
    if _This.level > logging.INFO:
        return
    lines, second, stamp = [], -1, b""
    for record in records:
        at_us = int((since + record.began + record.seconds) * 1e6)
        if at_us // 1_000_000 != second:
            second = at_us // 1_000_000
            stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)).encode("ascii")
        template = _This.lines[record.kind]
        lines.append(
            template
            % (
                record.id,
                orjson.dumps(record.path),
                record.seconds * 1000,
                len(record.statements),
                stamp,
                at_us % 1_000_000,
            )
        )
    _output.write(b"".join(lines))


class _Forward(logging.Handler):
    """Gives a record of the standard module to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        get().log(
            record.levelno,
            "library_said",
            library=record.name,
            message=record.getMessage(),
            exc_info=record.exc_info,
        )


def _say_whose(_logger: Any, _method: str, event: structlog.typing.EventDict) -> Any:
    event.update(_This.same_in_all)
    event.setdefault("request_id", timing.current().request_id)
    if event["request_id"] in {None, "-"}:  # no single request's
        del event["request_id"]
    return event


def _json(event: dict[str, Any], **_: Any) -> bytes:
    return orjson.dumps(event, default=repr, option=orjson.OPT_NON_STR_KEYS)
