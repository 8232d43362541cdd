"""A real node and a hanging provider: its sign-ins fail soon, and other requests are as fast as before."""

from __future__ import annotations

import threading
import time
from http.client import HTTPConnection
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.db import connection

from drills.processes import Processes
from gateway.admission import MAX_READ_WAIT
from tests.oidc.conftest import Idp
from tests.oidc.provider import CLIENT_ID, CLIENT_SECRET

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]
HANG_SECONDS, SIGN_IN_COUNT, READ_COUNT = 30, 8, 60
# In seconds; clearly more than a request may wait for a thread.
OIDC_TIMEOUT = 4


@pytest.fixture
def node(provider_process, django_db_setup, tmp_path):
    Idp(provider_process).script()
    database = connection.settings_dict
    environment = {
        "DJANGO_SETTINGS_MODULE": "config.settings.test",
        "DATABASE_URL": f"postgresql:///{database['NAME']}?host={database['HOST']}&user={database['USER']}",
        "REDIS_URL": str(settings.CACHES["default"]["LOCATION"]),
        "DATA_DIR": str(tmp_path),
        "OIDC_ISSUER": provider_process,
        "OIDC_CLIENT_ID": CLIENT_ID,
        "OIDC_CLIENT_SECRET": CLIENT_SECRET,
        "OIDC_TIMEOUT": str(OIDC_TIMEOUT),
    }
    with Processes(tmp_path, **environment) as processes:
        processes.start("web")
        yield processes


def send_request(node: Processes, method: str, path: str, cookies: dict[str, str], form: dict[str, str] | None = None):
    """Return the status, the body and the seconds it took. Cookies that are set are added to `cookies`."""
    http, started = HTTPConnection("127.0.0.1", node.port, timeout=HANG_SECONDS), time.monotonic()
    headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
    if form is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    http.request(method, path, urlencode(form) if form is not None else None, headers)
    response = http.getresponse()
    body = response.read().decode()
    for name, value in response.getheaders():
        if name.lower() == "set-cookie":
            key, _, rest = value.partition("=")
            cookies[key] = rest.partition(";")[0]
    http.close()
    return response.status, body, time.monotonic() - started


def callback_url(node: Processes, idp: Idp, cookies: dict[str, str]) -> str:
    """Start a sign-in, go to the provider, and return the path of the callback."""
    send_request(node, "GET", "/login/", cookies)
    provider = idp.host.replace(":", "-")
    form = {"csrfmiddlewaretoken": cookies["csrftoken"]}
    status, body, _ = send_request(node, "POST", f"/login/with/{provider}/", cookies, form)
    assert status == 200
    url = body.partition('content="0; url=')[2].partition('"')[0].replace("&amp;", "&")
    location = idp.request("GET", url.removeprefix(idp.issuer))[1]["Location"]
    return location.removeprefix(node.url)


def time_reads(node: Processes) -> list[float]:
    results = [send_request(node, "GET", "/login/", {}) for _ in range(READ_COUNT)]
    assert {status for status, _, _ in results} == {200}
    return sorted(seconds for _, _, seconds in results)


def test_hanging_provider_delays_no_other_request(node, provider_process):
    idp = Idp(provider_process)
    jars: list[dict[str, str]] = [{} for _ in range(SIGN_IN_COUNT)]
    paths = [callback_url(node, idp, jar) for jar in jars]
    time_reads(node)
    idp.script(faults={"token": {"pause": HANG_SECONDS}})
    results: list[tuple[int, float]] = []

    def return_to_callback(path: str, jar: dict[str, str]) -> None:
        status, _, seconds = send_request(node, "GET", path, jar)
        results.append((status, seconds))

    threads = [threading.Thread(target=return_to_callback, args=pair) for pair in zip(paths, jars, strict=True)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    read_seconds = time_reads(node)
    for thread in threads:
        thread.join()

    assert {status for status, _ in results} == {503}
    assert max(seconds for _, seconds in results) < OIDC_TIMEOUT + 3
    # Two of four threads wait for the provider. The other sign-ins wait without a thread, since their route holds its
    # half of them, and fail after MAX_READ_WAIT. They keep their state: loading the page again continues them.
    assert sum(seconds > MAX_READ_WAIT + 1 for _, seconds in results) <= 2
    # The limit is loose because the machine is busy: a read that waits for a sign-in takes two seconds or more.
    assert read_seconds[-1] < 1.0
