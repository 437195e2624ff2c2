"""A process that runs elsewhere, while it serves: what media servers and gateways have in common."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import grpc
import structlog
from cryptography import x509

from mpc.errors import FoursealError
from server.config import Settings
from server.errors import OperatorError
from server.identity import CurrentCertificate
from server.metrics import Metrics
from server.root.calls import BoundedInFlight
from server.root.health import Health
from server.root.home import Home, Serving
from server.root.metrics import open_metrics
from server.root.outposts import Outpost, load_certificate
from server.storage import Database

_HOUSEKEEPING_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Frame:
    """What such a process is made of, whatever it does.

    Args:
        outpost: what it is.
        home, settings, log, database: its own.
        listener: of gRPC; not started.
        port: on which it listens.
        health: of its services.
        in_flight: counts its calls.
        certificate: that it shows now.
        authority: that issued it.
        metrics: of it; shown where the settings say.
    """

    outpost: Outpost
    home: Home
    settings: Settings
    log: structlog.stdlib.BoundLogger
    database: Database
    listener: grpc.aio.Server
    port: int
    health: Health
    in_flight: BoundedInFlight
    certificate: CurrentCertificate
    authority: x509.Certificate
    metrics: Metrics


class OutpostProcess:
    """Such a process, serving. Its kinds say what is theirs in the last four methods.

    Args:
        frame: what it is made of.
    """

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._log = frame.log
        self._tasks: list[asyncio.Task[None]] = []
        self._metrics = open_metrics(frame.settings, frame.metrics, frame.log)
        at = "" if self._metrics is None else self._metrics.address
        server = f"{frame.settings.public_host}:{frame.port}"
        self.serving = Serving(os.getpid(), server, "", metrics_server=at)

    async def start(self) -> None:
        """Begin to serve."""
        frame = self._frame
        await frame.listener.start()
        if self._metrics is not None:
            await self._metrics.start()
        await frame.health.check_once()
        self._tasks = [asyncio.create_task(frame.health.keep_checking()), asyncio.create_task(self._keep_house())]
        self.serving.write(frame.home.serving)
        where = {frame.outpost.title.replace(" ", "_"): self.serving.server}
        self._log.info("serving", process_id=self.serving.process_id, **where)

    async def stop(self) -> None:
        """Finish what is in flight, within the grace, and close everything. Streams that have no end are ended."""
        frame = self._frame
        self._log.info("stopping")
        frame.home.serving.unlink(missing_ok=True)
        frame.in_flight.refusing = True
        await frame.health.shut_down()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._end_streams()
        try:
            async with asyncio.timeout(frame.settings.shutdown_grace_seconds):
                await frame.in_flight.wait_quiet()
        except TimeoutError:
            self._log.warning("stopped_with_work_left")
        await frame.listener.stop(_STOP_SECONDS)
        if self._metrics is not None:
            self._metrics.stop()
        self._close()
        frame.database.close()
        self._log.info("stopped")

    async def _keep_house(self) -> None:
        while True:
            await self._keep_house_once()
            await asyncio.sleep(_HOUSEKEEPING_SECONDS)

    async def _keep_house_once(self) -> None:
        """Do what is due, and show a certificate that was renewed; the one also where the other fails."""
        for step in (*self._steps(), self._take_renewed_certificate):
            try:
                await step()
            except (FoursealError, OperatorError) as error:  # the next round tries again
                self._log.error("housekeeping_failed", cause=str(error))

    async def _take_renewed_certificate(self) -> None:
        frame = self._frame
        certificate, authority = await asyncio.to_thread(load_certificate, frame.outpost, frame.home)
        if certificate.certificate_pem == frame.certificate.pair()[1]:
            return
        if authority != frame.authority:
            action = f"Restart the {frame.outpost.title} to change it."
            raise OperatorError("the new certificate is of another authority", action)
        frame.certificate.replace(certificate)
        self._log.info("certificate_renewed")
        await self._use_renewed_certificate()

    def _steps(self) -> tuple[Callable[[], Awaitable[object]], ...]:
        """What is to be done each minute."""
        return ()

    async def _end_streams(self) -> None:
        """End streams that nobody could wait for."""

    async def _use_renewed_certificate(self) -> None:
        """Use the certificate where this process calls others."""

    def _close(self) -> None:
        """Close what is open, when nothing is in flight any more."""
