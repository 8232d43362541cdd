"""uvicorn worker of gunicorn, with settings for the garbage collector."""

from __future__ import annotations

import gc

from uvicorn_worker import UvicornWorker

# Objects loaded at start live for ever; scanning them in each collection took a tenth of a node's CPU time.
GC_THRESHOLD_0, GC_THRESHOLD_1, GC_THRESHOLD_2 = 20_000, 20, 50


class Worker(UvicornWorker):
    """uvicorn's worker; proxy headers are left to core.http.client_ip, which trusts TRUSTED_PROXIES only."""

    # server_header: the response says nothing about software and version.
    CONFIG_KWARGS = {"loop": "uvloop", "http": "httptools", "proxy_headers": False, "server_header": False}

    def run(self) -> None:
        # Collected, then frozen: what the collector never looks at again should not hold garbage.
        gc.collect()
        gc.freeze()
        gc.set_threshold(GC_THRESHOLD_0, GC_THRESHOLD_1, GC_THRESHOLD_2)
        super().run()
