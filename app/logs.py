"""Logs: one JSON object a line on standard output, ours and the libraries' alike.

`logs.get().info("job_done", kind=…, ms=…)`: the event is a name in past tense, the rest are fields.
"""

import logging
import sys
from typing import Any

import orjson
import structlog

type Logger = structlog.typing.FilteringBoundLogger


def get() -> Logger:
    """A logger. Cheap to keep; the settings of `start` apply even if they come later."""
    logger: Logger = structlog.get_logger()
    return logger


def start(level: str, *, service: str) -> None:
    """Set up logging for this process. `service` and the level stand in every line."""
    number = logging.getLevelNamesMapping()[level.upper()]
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
        logger_factory=structlog.BytesLoggerFactory(file=sys.stdout.buffer),
        cache_logger_on_first_use=True,
    )
    # Libraries speak through the standard module: the same lines, from warnings on.
    logging.basicConfig(handlers=[_Forward()], level=max(number, logging.WARNING), force=True)
    # pika tells each trouble of a connection several times; what follows from it, we tell.
    logging.getLogger("pika").setLevel(logging.CRITICAL)


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
