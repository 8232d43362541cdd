"""Programs that pip cannot install, such as nginx and a browser, needed by some tests."""

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
    """pytest marker of the tests that need it."""
    programs: tuple[str, ...] = ()
    folder: str = ""
    file: str = ""

    def is_installed(self) -> bool:
        if any(shutil.which(program, path=executable_search_path()) for program in self.programs):
            return True
        return bool(self.folder and any(Path(self.folder).glob(self.file)))


TEST_PACKAGES = (
    SystemPackage("nginx", "nginx", programs=("nginx",)),
    SystemPackage(
        "libnginx-mod-http-brotli-static",
        "brotli",
        folder="/usr/lib/nginx/modules",
        file="ngx_http_brotli_static_module.so",
    ),
    SystemPackage("chromium", "browser", programs=("chromium", "chromium-browser", "google-chrome")),
    SystemPackage("npm", "npm", programs=("npm",)),
    SystemPackage("fonts-noto-core", "browser", folder="/usr/share/fonts/truetype/noto", file="NotoSans-Regular.*"),
)


BENCHMARK_PACKAGES = (SystemPackage("nginx", "", programs=("nginx",)), SystemPackage("wrk", "", programs=("wrk",)))


def executable_search_path() -> str:
    """Return PATH with the folders of servers. Debian leaves them out of an ordinary user's PATH."""
    return os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])


def missing_packages(packages: tuple[SystemPackage, ...] = TEST_PACKAGES) -> list[SystemPackage]:
    return [package for package in packages if not package.is_installed()]


def install_missing() -> list[SystemPackage]:
    """Install the packages of the tests, as root on Debian. Returns those that are still missing.

    In CI a missing package raises LaunchError, because every test must run there.
    """
    missing = missing_packages()
    if missing and _can_install():
        apt_install([package.name for package in missing])
        missing = missing_packages()
    if not missing:
        return []
    names = [package.name for package in missing]
    if os.environ.get("CI"):
        raise LaunchError(f"CI must run every test, but these packages are missing: {', '.join(names)}.")
    markers = ", ".join(sorted({package.marker for package in missing}))
    console.print_step(f"Not installed: {', '.join(names)}. Tests marked {markers} are skipped.")
    console.print_line(f"    To run them too: sudo apt-get install {' '.join(names)}")
    return missing


def require_packages(packages: tuple[SystemPackage, ...]) -> None:
    """Install these packages as root on Debian. Raises LaunchError with the command to run elsewhere."""
    names = [package.name for package in missing_packages(packages)]
    if names and _can_install():
        apt_install(names)
    if missing := missing_packages(packages):
        raise LaunchError(
            f"Install the missing packages with: sudo apt-get install {' '.join(package.name for package in missing)}"
        )


def install_venv_package() -> None:
    """Install ensurepip, which Debian packages separately. Raises LaunchError with the command to run elsewhere."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    if not _can_install():
        raise LaunchError(
            f"This Python cannot create virtual environments (ensurepip is missing). Install it with: "
            f"sudo apt-get install {name}   (other systems: the package python3-venv or python3-pip)."
        )
    apt_install([name])


def apt_install(names: list[str]) -> None:
    """Run apt-get update and apt-get install. Raises LaunchError with the end of their output."""
    console.print_step(f"Installing Debian packages: {' '.join(names)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    update = ["apt-get", "update", "-qq"]
    # Dpkg::Use-Pty=0: without a terminal dpkg would print control characters.
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "-o", "Dpkg::Use-Pty=0", *names]
    for command in (update, install):
        process = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if process.returncode != 0:
            raise LaunchError(f"`{' '.join(command)}` failed: {process.stderr.strip()[-500:]}")


def _can_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None
