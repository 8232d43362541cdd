"""nginx as `make stack` runs it: its configuration, filled in from nginx/stack.conf.template, and its command."""

from __future__ import annotations

import os
import re
import shutil
import string
import subprocess
from collections.abc import Iterable
from pathlib import Path

from launcher import system_packages

CONFIG_TEMPLATE = "nginx/stack.conf.template"
# One slow read fails at a node once; what fails twice within three seconds is the node.
UPSTREAM_SERVER = "server unix:{} weight=1 max_fails=2 fail_timeout=3s"
# What a node gets done in a fifth of a second waits in it; nginx refuses the rest.
MAX_CONNS = "max_conns=32"
BROTLI_MODULE = "ngx_http_brotli_static_module.so"


def find_executable() -> str | None:
    return shutil.which("nginx", path=system_packages.executable_search_path())


def write_config(
    *, root: Path, folder: Path, var: Path, host: str, port: int, sockets: Iterable[Path], tls: Path | None = None
) -> Path:
    """Write the configuration into the folder; returns its path. `tls` holds fullchain.pem and privkey.pem."""
    folder.mkdir(exist_ok=True)
    servers = [UPSTREAM_SERVER.format(path) for path in sockets]
    text = string.Template((root / CONFIG_TEMPLATE).read_text()).safe_substitute(
        HOST=host,
        PORT=port,
        SSL=" ssl" if tls else "",
        TLS=_tls_directives(tls),
        NODES=_server_lines(servers),
        NODES_FOR_WORK=_server_lines(f"{one} {MAX_CONNS}" for one in servers),
        VAR=var,
        FOLDER=folder,
        ROOT=root,
    )
    path = folder / "nginx.conf"
    path.write_text(text)
    _write_brotli_config(folder)
    return path


def _server_lines(servers: Iterable[str]) -> str:
    return "\n".join(f"        {one};" for one in servers)


def _tls_directives(folder: Path | None) -> str:
    """Return the lines of the server that has this certificate."""
    if folder is None:
        return ""
    lines = (
        f'ssl_certificate "{folder}/fullchain.pem";',
        f'ssl_certificate_key "{folder}/privkey.pem";',
        f'include "{Path(__file__).resolve().parents[1]}/nginx/snippets/tls.conf";',
    )
    return "\n".join(f"        {line}" for line in lines)


def build_command(path: Path) -> list[str]:
    """Return what starts nginx in the foreground with the configuration of this path."""
    # As root nginx would take another user for its workers, who may not enter the sockets' folder.
    user = " user root;" if os.geteuid() == 0 else ""
    return [find_executable() or "nginx", "-p", str(path.parent), "-c", str(path), "-g", f"daemon off;{user}"]


def find_brotli_module() -> Path | None:
    """Return where the module is that serves files which were compressed by brotli; it comes in a package of its own."""
    nginx = find_executable()
    if nginx is None:
        return None
    built = subprocess.run([nginx, "-V"], capture_output=True, text=True, check=False).stderr
    folder = re.search(r"--modules-path=(\S+)", built)
    path = Path(folder[1]) / BROTLI_MODULE if folder else None
    return path if path and path.exists() else None


def _write_brotli_config(folder: Path) -> None:
    module = find_brotli_module()
    for place, line in (("modules-enabled", f'load_module "{module}";\n'), ("encodings", "brotli_static on;\n")):
        (folder / place).mkdir(exist_ok=True)
        (folder / place / "brotli.conf").write_text(line if module else "")
