from uvicorn_worker import UvicornWorker


class Worker(UvicornWorker):
    """uvicorn's worker; who the caller is behind proxies is decided by gateway.headers alone."""

    CONFIG_KWARGS = {"loop": "uvloop", "http": "httptools", "proxy_headers": False, "server_header": False}
