"""MDN's HTTP Observatory gives every kind of page A+, behind nginx with TLS, on the production settings."""

from __future__ import annotations

import secrets
from http.cookiejar import CookieJar
from pathlib import Path
from ssl import create_default_context
from urllib.parse import urlencode, urlsplit, urlunsplit
from urllib.request import HTTPCookieProcessor, HTTPSHandler, OpenerDirector, Request, build_opener

from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.privacy.export import services as export_services
from drills import certificates, observatory
from drills.processes import PROCESS_COMMANDS, PYTHON, ROOT, Processes, ProcessNotReady, free_port, wait_until
from drills.report import Progress, print_table, print_verdict
from drills.users import PASSWORD, create_user
from launcher import nginx

REQUIRED_GRADE = 130
# The kinds of page, with who asks for it and what is answered. "broken" is a node whose database has no tables.
PAGE_PATHS = (
    ("sign-in", "good", "/login/", False, 200),
    ("dashboard", "good", "/", True, 200),
    ("administration", "good", "/admin/", True, 200),
    ("documentation", "good", "/api/v1/docs/", False, 200),
    ("not found", "good", "/nothing/", True, 404),
    ("failed", "broken", "/", True, 500),
    ("download", "good", "{export}", True, 200),
)


class Site(Processes):
    """Two nodes on the production settings, each behind an nginx of its own that ends TLS."""

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
        address = urlsplit(self.environment["DATABASE_URL"])
        return {} if name == "good" else {"DATABASE_URL": urlunsplit(address._replace(path="/postgres"))}

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
            return bool(self.browser().open(f"{self.address(name)}/livez", timeout=5).status == 200)
        except OSError:
            return False

    def address(self, name: str) -> str:
        return f"https://{certificates.IP_ADDRESS}:{self.ports[name]}"

    def browser(self, jar: CookieJar | None = None) -> OpenerDirector:
        trusted = HTTPSHandler(context=create_default_context(cafile=str(self.authority)))
        return build_opener(trusted, HTTPCookieProcessor(jar))

    def sign_in(self, email: str) -> str:
        """Sign in as a browser does, and prove it once more, as a download asks for; returns the Cookie header of what was set."""
        jar = CookieJar()
        self._send(jar, "/login/", {"email": email, "password": PASSWORD})
        self._send(jar, "/reauthenticate/", {"password": PASSWORD, "next": "/"})
        cookies = {one.name: one.value for one in jar}
        if "__Host-session" not in cookies:
            raise ProcessNotReady(f"nobody is signed in: {sorted(cookies)}")
        return "; ".join(f"{name}={value}" for name, value in cookies.items())

    def _send(self, jar: CookieJar, path: str, form: dict[str, str]) -> None:
        browser, address = self.browser(jar), f"{self.address('good')}{path}"
        browser.open(address, timeout=20)
        csrf = next(one.value or "" for one in jar if "csrf" in one.name)
        sent = urlencode({**form, "csrfmiddlewaretoken": csrf}).encode()
        browser.open(Request(address, sent, {"Referer": address}), timeout=20)


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
    print(f"headers: not shown: {reason}", flush=True)
    return 2


def _create_export(user: User) -> str:
    """Let somebody's data be put together; returns where they are downloaded."""
    export = export_services.request_export(actor=user, now=timezone.now())
    export_services.build_export(export_id=export.pk, now=timezone.now())
    return reverse("export-download", args=[export.pk])


def _grade_pages(site: Site, package: Path, cookie: str, export: str) -> int:
    progress, rows, promises = Progress(), [], {}
    for words, node, path, is_signed_in, status in PAGE_PATHS:
        path = path.format(export=export)
        address = f"{site.address(node).removeprefix('https://')}{path}"
        found = observatory.grade(package, address, authority=site.authority, cookie=cookie if is_signed_in else "")
        reached = found["url"] == f"https://{address}" and found["status"] == status and found["verified"]
        rows.append((words, path, found["status"], found["grade"], found["score"], "; ".join(found["failed"])))
        promises[f"{words} {found['grade']}"] = reached and found["grade"] == "A+" and found["score"] >= REQUIRED_GRADE
        progress.print_line(f"{words}: {found['grade']} {found['score']}")
        if not promises[f"{words} {found['grade']}"]:
            print(found)
    print_table([("page", "path", "status", "grade", "score", "failed"), *rows])
    return print_verdict("headers", promises)
