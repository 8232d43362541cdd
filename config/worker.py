from __future__ import annotations

import gc

from uvicorn_worker import UvicornWorker

# What was loaded at the start stays; looking through it again and again took a tenth of a node's processor time.
ALLOCATIONS, YOUNG, OLD = 20_000, 20, 50


class Worker(UvicornWorker):
    """uvicorn's worker; who the caller is behind proxies is decided by gateway.headers alone."""

    CONFIG_KWARGS = {"loop": "uvloop", "http": "httptools", "proxy_headers": False, "server_header": False}

    def run(self) -> None:
        gc.collect()
        gc.freeze()
        gc.set_threshold(ALLOCATIONS, YOUNG, OLD)
        super().run()
