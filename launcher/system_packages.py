"""The few things that pip cannot bring: nginx and a browser for the tests that need them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from launcher import console
from launcher.console import LaunchError


@dataclass(frozen=True, slots=True)
class SystemPackage:
    name: str
    marker: str
    """The tests that need it carry this mark."""
    programs: tuple[str, ...] = ()
    folder: str = ""
    file: str = ""

    def is_installed(self) -> bool:
        found = any(shutil.which(program, path=executable_search_path()) for program in self.programs)
        return found or bool(self.folder and any(Path(self.folder).glob(self.file)))


TEST_PACKAGES = (
    SystemPackage("nginx", "nginx", programs=("nginx",)),
    SystemPackage(
        "libnginx-mod-http-brotli-static",
        "brotli",
        folder="/usr/lib/nginx/modules",
        file="ngx_http_brotli_static_module.so",
    ),
    SystemPackage("chromium", "browser", programs=("chromium", "chromium-browser", "google-chrome")),
    SystemPackage("fonts-noto-core", "browser", folder="/usr/share/fonts/truetype/noto", file="NotoSans-Regular.*"),
)


BENCHMARK_PACKAGES = (SystemPackage("nginx", "", programs=("nginx",)), SystemPackage("wrk", "", programs=("wrk",)))


def executable_search_path() -> str:
    """Debian keeps servers out of an ordinary user's path."""
    return os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])


def missing_packages(wanted: tuple[SystemPackage, ...] = TEST_PACKAGES) -> list[SystemPackage]:
    return [package for package in wanted if not package.is_installed()]


def install_missing() -> list[SystemPackage]:
    """Install what the tests need, as root on Debian; return what is missing still."""
    lacking = missing_packages()
    if not lacking:
        return []
    names = [package.name for package in lacking]
    if _can_install():
        apt_install(names)
        lacking = missing_packages()
    if lacking and os.environ.get("CI"):
        raise LaunchError(f"CI runs every test, and these are missing: {', '.join(names)}.")
    if lacking:
        marks = ", ".join(sorted({package.marker for package in lacking}))
        console.print_step(f"Not installed: {', '.join(names)}. The tests marked {marks} are left out.")
        console.print_line(f"    To run them too: sudo apt-get install {' '.join(names)}")
    return lacking


def require_packages(wanted: tuple[SystemPackage, ...]) -> None:
    """Install these, as root on Debian, or say how."""
    names = [package.name for package in missing_packages(wanted)]
    if names and _can_install():
        apt_install(names)
    if lacking := missing_packages(wanted):
        raise LaunchError(
            f"Install what is missing with: sudo apt-get install {' '.join(package.name for package in lacking)}"
        )


def install_venv_package() -> None:
    """Bring the part of Python that Debian packs separately, or say how."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    if not _can_install():
        raise LaunchError(
            f"This Python cannot make virtual environments (its ensurepip is missing). Install it with: "
            f"sudo apt-get install {name}   (other systems: the python3-venv or python3-pip package)."
        )
    apt_install([name])


def apt_install(names: list[str]) -> None:
    console.print_step(f"Installing Debian packages: {' '.join(names)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    lists = ["apt-get", "update", "-qq"]
    packages = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "-o", "Dpkg::Use-Pty=0", *names]
    for command in (lists, packages):
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise LaunchError(f"`{' '.join(command)}` did not succeed: {done.stderr.strip()[-500:]}")


def _can_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None
