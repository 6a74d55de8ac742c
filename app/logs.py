"""Logs: one JSON object a line on standard output, ours and the libraries' alike.

`logs.get().info("job_done", kind=…, ms=…)`: the event is a name in past tense, the rest are fields.

Lines leave within `_JOIN_S`, together: each write wakes whoever collects them, and costs more than
the line. At the end of the process, however it ends but by SIGKILL, the last ones are written.
"""

import asyncio
import atexit
import logging
import sys
from datetime import UTC, datetime
from typing import Any, BinaryIO, cast

import orjson
import structlog

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
_service = "-"
_level = logging.INFO


def get() -> Logger:
    """A logger. Cheap to keep; the settings of `start` apply even if they come later."""
    logger: Logger = structlog.get_logger()
    return logger


def start(level: str, *, service: str) -> None:
    """Set up logging for this process. `service` and the level stand in every line."""
    global _service, _level
    number = logging.getLevelNamesMapping()[level.upper()]
    _service, _level = service, number
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.dict_tracebacks,
            _naming(service),
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


def request_answered(at: float, **fields: Any) -> None:
    """The line of one request, as `get().info` would write it, at a tenth of its price.

    `at` is when it was answered, in seconds since 1970.
    """
    if _level <= logging.INFO:
        line = {
            **fields,
            "event": "request_answered",
            "level": "info",
            "timestamp": datetime.fromtimestamp(at, UTC),
            "service": _service,
        }
        _output.write(orjson.dumps(line, option=orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE))


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


def _naming(service: str) -> structlog.typing.Processor:
    def name(_logger: Any, _method: str, event: structlog.typing.EventDict) -> Any:
        event["service"] = service
        return event

    return name


def _json(event: dict[str, Any], **_: Any) -> bytes:
    return orjson.dumps(event, default=repr, option=orjson.OPT_NON_STR_KEYS)
