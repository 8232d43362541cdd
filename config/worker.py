"""uvicorn worker of gunicorn: settings for the garbage collector, and a stop that no request notices."""

from __future__ import annotations

import gc
import signal
import sys
import time
from types import FrameType

from uvicorn.server import Server
from uvicorn_worker import UvicornWorker

# Objects loaded at start live for ever; scanning them in each collection took a tenth of a node's CPU time.
GC_THRESHOLD_0, GC_THRESHOLD_1, GC_THRESHOLD_2 = 20_000, 20, 50
# Seconds in which nginx uses up its idle connections to a node that stops, and that requests in progress get then.
DRAIN_TIME, GRACEFUL_TIMEOUT = 1.0, 30
WORKER_BOOT_ERROR = 3  # gunicorn's exit code for a worker that need not be started again
CLOSE_HEADER = (b"connection", b"close")


class DrainingServer(Server):
    """Closes no connection on which a request may be on its way.

    nginx keeps connections to a node open. Closed by the node, one may have a request on it already, and a POST is not
    sent again. So after SIGTERM, when new connections go elsewhere, each open one gets one more response that says
    `Connection: close` (RFC 9112, section 9.6); only what is idle after DRAIN_TIME is closed.
    """

    drain_end: float | None = None
    must_drain = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if sig == signal.SIGTERM and not self.must_drain:
            self._captured_signals.append(sig)
            self.must_drain = True
        else:
            super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        # Also at the end of a worker that has served max_requests.
        self.must_drain |= await super().on_tick(counter) and not self.should_exit
        if not self.must_drain:
            return self.should_exit
        if self.drain_end is None:
            self.drain_end = time.monotonic() + DRAIN_TIME
            self._announce_close()
        return self.should_exit or not self.server_state.connections or time.monotonic() > self.drain_end

    def _announce_close(self) -> None:
        """Add the header to the responses of this server, those in progress too."""
        self.config.encoded_headers.append(CLOSE_HEADER)
        self.server_state.default_headers = [*self.server_state.default_headers, CLOSE_HEADER]
        for connection in self.server_state.connections:
            if (cycle := getattr(connection, "cycle", None)) is not None:
                cycle.default_headers = [*cycle.default_headers, CLOSE_HEADER]


class Worker(UvicornWorker):
    """uvicorn's worker; proxy headers are left to core.http.client_ip, which trusts TRUSTED_PROXIES only."""

    # server_header: the response says nothing about software and version.
    CONFIG_KWARGS = {
        "loop": "uvloop",
        "http": "httptools",
        "proxy_headers": False,
        "server_header": False,
        "timeout_graceful_shutdown": GRACEFUL_TIMEOUT,
    }

    def run(self) -> None:
        # Collected, then frozen: what the collector never looks at again should not hold garbage.
        gc.collect()
        gc.freeze()
        gc.set_threshold(GC_THRESHOLD_0, GC_THRESHOLD_1, GC_THRESHOLD_2)
        super().run()

    async def _serve(self) -> None:
        """Serve as uvicorn's worker does, with our server."""
        self.config.app = self.wsgi
        server = DrainingServer(config=self.config)
        self._install_sigquit_handler()
        await server.serve(sockets=self.sockets)
        if not server.started:
            sys.exit(WORKER_BOOT_ERROR)
