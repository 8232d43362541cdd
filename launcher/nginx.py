"""nginx as `make stack` runs it: its configuration, filled in from nginx/stack.conf.template, and its command."""

from __future__ import annotations

import os
import re
import shutil
import string
import subprocess
from collections.abc import Iterable
from pathlib import Path

from launcher import hosts, system_packages

CONFIG_TEMPLATE = "nginx/stack.conf.template"
# One failed request may be the request's fault; two within three seconds mean that the node is down.
UPSTREAM_SERVER = "server unix:{} weight=1 max_fails=2 fail_timeout=3s"
# A node queues what it can serve in a fifth of a second; nginx refuses the rest.
MAX_CONNS = "max_conns=32"
BROTLI_MODULE = "ngx_http_brotli_static_module.so"


def find_executable() -> str | None:
    return shutil.which("nginx", path=system_packages.executable_search_path())


def write_config(
    *,
    root: Path,
    folder: Path,
    var: Path,
    host: str,
    port: int,
    sockets: Iterable[Path],
    tls: Path | None = None,
    access_log: str = "off",
) -> Path:
    """Write nginx.conf into `folder` and return its path.

    `sockets` are the nodes' Unix sockets; `tls` is a folder with fullchain.pem and privkey.pem; `access_log` is the value
    of nginx's directive of that name.
    """
    folder.mkdir(exist_ok=True)
    tls_lines: tuple[str, ...] = ()
    if tls is not None:
        tls_lines = (
            f'ssl_certificate "{tls}/fullchain.pem";',
            f'ssl_certificate_key "{tls}/privkey.pem";',
            f'include "{Path(__file__).resolve().parents[1]}/nginx/snippets/tls.conf";',
        )
    servers = [UPSTREAM_SERVER.format(path) for path in sockets]
    # safe_substitute leaves nginx's own $variables alone.
    text = string.Template((root / CONFIG_TEMPLATE).read_text()).safe_substitute(
        HOST=hosts.in_url(host),
        ACCESS_LOG=access_log,
        PORT=port,
        SSL=" ssl" if tls else "",
        TLS="\n".join(f"        {line}" for line in tls_lines),
        NODES=_server_lines(servers),
        UNCACHED_NODES=_server_lines(f"{server} {MAX_CONNS}" for server in servers),
        VAR=var,
        FOLDER=folder,
        ROOT=root,
    )
    path = folder / "nginx.conf"
    path.write_text(text)
    module = find_brotli_module()
    # Emptied without the module: an earlier start may have written the name of one that is gone.
    for name, line in (("modules-enabled", f'load_module "{module}";\n'), ("encodings", "brotli_static on;\n")):
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "brotli.conf").write_text(line if module else "")
    return path


def _server_lines(servers: Iterable[str]) -> str:
    return "\n".join(f"        {server};" for server in servers)


def build_command(path: Path) -> list[str]:
    """Return the command that runs nginx in the foreground with this configuration file."""
    # Started as root, nginx runs its workers as another user, which cannot enter the folder of the sockets.
    user = " user root;" if os.geteuid() == 0 else ""
    return [find_executable() or "nginx", "-p", str(path.parent), "-c", str(path), "-g", f"daemon off;{user}"]


def find_brotli_module() -> Path | None:
    """Return the path of nginx's module for precompressed brotli files, if its package is installed."""
    nginx = find_executable()
    if nginx is None:
        return None
    build_options = subprocess.run([nginx, "-V"], capture_output=True, text=True, check=False).stderr
    folder = re.search(r"--modules-path=(\S+)", build_options)
    path = Path(folder[1]) / BROTLI_MODULE if folder else None
    return path if path and path.exists() else None
