from __future__ import annotations

import gc

from uvicorn_worker import UvicornWorker

# What was loaded at the start stays; looking through it again and again took a tenth of a node's processor time.
GC_THRESHOLD_0, GC_THRESHOLD_1, GC_THRESHOLD_2 = 20_000, 20, 50


class Worker(UvicornWorker):
    """uvicorn's worker; who the caller is behind proxies is decided by core.http.response_headers alone."""

    CONFIG_KWARGS = {"loop": "uvloop", "http": "httptools", "proxy_headers": False, "server_header": False}

    def run(self) -> None:
        gc.collect()
        gc.freeze()
        gc.set_threshold(GC_THRESHOLD_0, GC_THRESHOLD_1, GC_THRESHOLD_2)
        super().run()
