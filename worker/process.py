"""What relay and worker have in common: one loop that works until SIGTERM, beside the second port.

The second port answers from the same event loop as the work: `/healthz` says 503 when the work has
not come round for a while, `/readyz` also when it is not connected.
"""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Iterator

import uvicorn

from app import health as second_port
from app import identity, logs
from app import settings as environment
from app.errors import Unavailable
from app.health import Health, Pulse
from app.settings import Settings

# Work that has not come round for this long stands still: longer than any one step may take (a
# connection 10 s, a batch 5 s), shorter than somebody would notice a mail that is late.
_STALE_AFTER_S = 30.0

log = logs.get()


class Process:
    """What the work is given: who it is, its pulse, and when to end."""

    def __init__(self, service: str) -> None:
        self.service = service
        self.name = identity.own_name()
        self.pulse = Pulse(service, stale_after_s=_STALE_AFTER_S)
        self.stopping = asyncio.Event()
        self.connected = False

    async def pause(self, seconds: float) -> None:
        """Wait, but not beyond the end."""
        self.pulse.beat()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.stopping.wait()

    async def check(self) -> None:
        """Raises Unavailable while there is no connection to work with."""
        if not self.connected:
            raise Unavailable


class _OpsServer(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # the process decides when to end


def run(
    service: str,
    work: Callable[[Process, Settings], Awaitable[None]],
    measure: Callable[[], None] = lambda: None,
) -> None:
    """Do the work until SIGTERM; `work` ends itself when `stopping` is set."""
    settings = environment.load()
    logs.start(settings.log_level, service=service, stage=settings.stage)
    asyncio.run(_run(service, work, settings, measure))


async def _run(
    service: str,
    work: Callable[[Process, Settings], Awaitable[None]],
    settings: Settings,
    measure: Callable[[], None],
) -> None:
    process = Process(service)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, process.stopping.set)
    health = second_port.Health(process.check, measure, [process.pulse])
    server = _ops_server(health, settings.ops_port)
    serving = asyncio.create_task(server.serve())
    log.info("working_began", name=process.name)
    try:
        await work(process, settings)
    finally:
        server.should_exit = True
        await serving
    log.info("working_ended", name=process.name)


def _ops_server(health: Health, port: int) -> _OpsServer:
    return _OpsServer(
        uvicorn.Config(
            health,
            host="0.0.0.0",  # noqa: S104 - a container has no other way in
            port=port,
            http="httptools",
            ws="none",
            lifespan="off",
            proxy_headers=False,
            access_log=False,
            server_header=False,
            log_config=None,
            timeout_graceful_shutdown=1,
        )
    )
