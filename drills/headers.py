"""MDN's HTTP Observatory grades every kind of page A+ (production settings, nginx, TLS)."""

from __future__ import annotations

import re
import secrets
from http.cookiejar import CookieJar
from pathlib import Path
from ssl import create_default_context
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, HTTPSHandler, OpenerDirector, Request, build_opener

from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.privacy import services as privacy
from drills import certificates, observatory
from drills.processes import PROCESS_COMMANDS, PYTHON, ROOT, Processes, ProcessNotReady, free_port, wait_until
from drills.report import Check, Progress, print_table, print_verdict
from drills.users import PASSWORD, create_user
from launcher import nginx

MIN_SCORE = 130
# Kind of page, node, path, whether a session is needed, expected status. The database of "broken" has no tables.
PAGE_PATHS = (
    ("sign-in", "good", "/login/", False, 200),
    ("dashboard", "good", "/", True, 200),
    ("administration", "good", "/admin/", True, 200),
    ("documentation", "good", "/api/v1/docs/", False, 200),
    ("not found", "good", "/nothing/", True, 404),
    ("server error", "broken", "/", True, 500),
    ("download", "good", "{export}", True, 200),
)


class Site(Processes):
    """Two nodes with production settings, each behind its own nginx with TLS."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            folder,
            DJANGO_SETTINGS_MODULE="config.settings.production",
            DATA_DIR=str(folder / "var"),
            SECRET_KEY=secrets.token_urlsafe(48),
            JWT_SIGNING_KEY=secrets.token_urlsafe(48),
            ALLOWED_HOSTS=certificates.IP_ADDRESS,
            SITE_URL=f"https://{certificates.IP_ADDRESS}",
            EMAIL_HOST=certificates.IP_ADDRESS,
            COMPRESS_STATIC="false",
        )
        self.ports = {"good": free_port(), "broken": free_port()}
        self.authority = certificates.write_certificates(folder / "tls")

    def start_all(self) -> None:
        (self.folder / "var").mkdir(exist_ok=True)
        self.spawn("static", [PYTHON, "manage.py", "collectstatic", "--no-input", "-v0"])
        if self.running.pop("static").wait(120):
            raise ProcessNotReady(self.log("static"))
        for name in self.ports:
            path = self.folder / f"{name}.sock"
            self.spawn(name, PROCESS_COMMANDS["web"], BIND=f"unix:{path}", **self._database(name))
            wait_until(path.exists, seconds=60, what=self.log(name))
            self.spawn(f"nginx-{name}", self._nginx(name, path))
            wait_until(lambda name=name: self.is_up(name), seconds=30, what=name)  # type: ignore[misc]

    def _database(self, name: str) -> dict[str, str]:
        # Not by urlunsplit, which leaves out the slashes of a URL without a host.
        url = self.environment["DATABASE_URL"]
        return {} if name == "good" else {"DATABASE_URL": re.sub(r"/\w+(?=\?|$)", "/postgres", url, count=1)}

    def _nginx(self, name: str, socket: Path) -> list[str]:
        return nginx.build_command(
            nginx.write_config(
                root=ROOT,
                folder=self.folder / f"nginx-{name}",
                var=self.folder / "var",
                host=certificates.IP_ADDRESS,
                port=self.ports[name],
                sockets=[socket],
                tls=self.folder / "tls",
            )
        )

    def is_up(self, name: str) -> bool:
        try:
            return bool(self.browser().open(f"{self.origin(name)}/livez", timeout=5).status == 200)
        except OSError:
            return False

    def origin(self, name: str) -> str:
        return f"https://{certificates.IP_ADDRESS}:{self.ports[name]}"

    def browser(self, jar: CookieJar | None = None) -> OpenerDirector:
        trusted = HTTPSHandler(context=create_default_context(cafile=str(self.authority)))
        return build_opener(trusted, HTTPCookieProcessor(jar))

    def sign_in(self, email: str) -> str:
        """Log in as a browser does and return the Cookie header. Downloads also require a reauthentication."""
        jar = CookieJar()
        self._send(jar, "/login/", {"email": email, "password": PASSWORD})
        self._send(jar, "/reauthenticate/", {"password": PASSWORD, "next": "/"})
        cookies = {cookie.name: cookie.value for cookie in jar}
        if "__Host-session" not in cookies:
            raise ProcessNotReady(f"the login failed; the cookies are {sorted(cookies)}")
        return "; ".join(f"{name}={value}" for name, value in cookies.items())

    def _send(self, jar: CookieJar, path: str, form: dict[str, str]) -> None:
        browser, url = self.browser(jar), f"{self.origin('good')}{path}"
        browser.open(url, timeout=20)
        csrf_token = next(cookie.value or "" for cookie in jar if "csrf" in cookie.name)
        data = urlencode({**form, "csrfmiddlewaretoken": csrf_token}).encode()
        browser.open(Request(url, data, {"Referer": url}), timeout=20)


def run(folder: Path) -> int:
    try:
        package = observatory.install()
    except observatory.NotInstalled as reason:
        return _report_skipped(str(reason))
    if nginx.find_executable() is None:
        return _report_skipped("nginx is not installed")
    call_command("migrate", verbosity=0)
    admin = create_user("Ada").user
    User.objects.filter(pk=admin.pk).update(role=User.Role.ADMIN)
    with Site(folder) as site:
        site.start_all()
        return _grade_pages(site, package, site.sign_in(admin.email), _create_export(admin))


def _report_skipped(reason: str) -> int:
    print(f"headers: skipped: {reason}", flush=True)
    return 2


def _create_export(user: User) -> str:
    """Create a data export of this user and return its download path."""
    export = privacy.request_export(actor=user, now=timezone.now())
    privacy.build_export(export_id=export.pk, now=timezone.now())
    return reverse("export-download", args=[export.pk])


def _grade_pages(site: Site, package: Path, cookie: str, export: str) -> int:
    progress, rows, checks = Progress(), [], []
    for kind, node, path, is_signed_in, status in PAGE_PATHS:
        path = path.format(export=export)
        url = f"{site.origin(node)}{path}"
        address = url.removeprefix("https://")
        report = observatory.grade(package, address, authority=site.authority, cookie=cookie if is_signed_in else "")
        is_expected_page = report["url"] == url and report["status"] == status and report["verified"]
        is_good = is_expected_page and report["grade"] == "A+" and report["score"] >= MIN_SCORE
        rows.append((kind, path, report["status"], report["grade"], report["score"], "; ".join(report["failed"])))
        figure = f"{kind}: {report['grade']}, score {report['score']}"
        checks.append(Check(figure, f"A+, >= {MIN_SCORE}", is_good))
        progress.print_line(figure)
        if not is_good:
            print(report)
    print_table([("page", "path", "status", "grade", "score", "failed tests"), *rows])
    return print_verdict("headers", checks)
