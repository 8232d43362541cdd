"""nginx in front of real nodes: errors, headers, addresses, and nodes that die."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from launcher.nginx import find_brotli_module, find_executable
from tests.nginx.conftest import HASHED_CSS_NAME
from tests.nginx.nginx_server import ROOT

pytestmark = [pytest.mark.nginx, pytest.mark.processes, pytest.mark.django_db]
SECURITY_HEADERS = (
    "Content-Security-Policy",
    "Cross-Origin-Opener-Policy",
    "Cross-Origin-Resource-Policy",
    "Permissions-Policy",
    "Referrer-Policy",
    "X-Content-Type-Options",
    "X-Frame-Options",
    "X-Request-ID",
)
LONG_VALUE = "a" * 9000


def test_container_configuration_is_valid(tmp_path):
    for path in (ROOT / "nginx").rglob("*.conf"):
        copy = tmp_path / path.relative_to(ROOT / "nginx")
        copy.parent.mkdir(exist_ok=True)
        copy.write_text(path.read_text().replace("/tmp/", f"{tmp_path}/"))

    if module := find_brotli_module():
        (tmp_path / "modules-enabled").mkdir()
        (tmp_path / "modules-enabled/brotli.conf").write_text(f"load_module {module};")
        (tmp_path / "encodings").mkdir()
        (tmp_path / "encodings/brotli.conf").write_text("brotli_static on;")

    process = subprocess.run(
        [find_executable(), "-t", "-c", tmp_path / "nginx.conf"], capture_output=True, text=True, check=False
    )

    assert process.returncode == 0, process.stderr
    assert "[warn]" not in process.stderr


def test_bodies_of_attachments_have_a_limit_of_their_own(nginx_server):
    body = b"x" * 12_000_000

    statuses = {
        path: nginx_server.send("POST", path, body).status for path in ("/tasks/OPS-1/attachments/", "/tasks/new/")
    }

    # The node answers the first one, which has no CSRF token.
    assert statuses == {"/tasks/OPS-1/attachments/": 403, "/tasks/new/": 413}


def test_api_response_passes_unchanged(nginx_server):
    response = nginx_server.get("/api/v1/health", Accept_Encoding="gzip")

    assert response.status == 200
    assert json.loads(response.body)["checks"]["database"]["status"] == "ok"
    assert not response.one("ETag").startswith("W/")


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "status", "code"),
    [
        ("GET", "/api/v1/tasks/", {}, None, 401, "not_authenticated"),
        ("POST", "/api/v1/tasks/", {}, b"x" * 1_100_000, 413, "content_too_large"),
        ("GET", f"/api/v1/{LONG_VALUE}", {}, None, 414, "uri_too_long"),
        ("GET", "/api/v1/tasks/", {"X_Long": LONG_VALUE}, None, 431, "request_header_fields_too_large"),
        ("GET", "/api/v1/%00", {}, None, 400, "bad_request"),
        ("TRACE", "/api/v1/tasks/", {}, None, 405, "method_not_allowed"),
        ("POST", "/api/v1/tasks/", {"Transfer_Encoding": "gzip"}, None, 501, "not_implemented"),
        ("POST", "/api/v1/tasks/", {"Content_Length": "-1"}, None, 400, "bad_request"),
    ],
)
def test_api_errors_are_problem_documents(method, path, headers, body, status, code, nginx_server):
    response = nginx_server.send(method, path, body, **headers)

    problem = json.loads(response.body)
    assert response.status == status
    assert response.one("Content-Type") == "application/problem+json"
    assert (problem["status"], problem["code"], problem["type"]) == (status, code, f"urn:taskflow:problem:{code}")
    assert problem["instance"].startswith("/api/v1/")


@pytest.mark.parametrize("path", ["/api/v1/tasks", "/api/v1/tasks/OPS-1/comments", "/tasks/new", "/login"])
def test_write_without_last_slash_is_redirected_with_its_body(path, nginx_server):
    response = nginx_server.send("POST", f"{path}?x=1", b'{"title": "Not lost"}')

    assert response.status == 308
    assert response.one("Location") == f"{path}/?x=1"


@pytest.mark.parametrize("path", ["/metrics", "//metrics", "/%6detrics", "/./metrics"])
def test_metrics_are_not_public(path, nginx_server):
    response = nginx_server.get(path)

    assert response.status == 404
    assert b"python_info" not in response.body
    assert response.one("Content-Type").startswith("text/html")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/login/", 200),
        ("/livez", 200),
        ("/nothing", 404),
        ("/metrics", 404),
        ("/static/css/base.css", 200),
        ("/static/css/none.css", 404),
        ("/api/v1/tasks/", 401),
        (f"/api/v1/{LONG_VALUE}", 414),
        (f"/{LONG_VALUE}", 414),
    ],
)
def test_responses_have_each_security_header_once(path, status, nginx_server):
    response = nginx_server.get(path)

    assert response.status == status
    assert {name: len(response.all(name)) for name in SECURITY_HEADERS} == dict.fromkeys(SECURITY_HEADERS, 1)


def test_hashed_files_are_immutable_and_plain_ones_are_not(nginx_server):
    assert (
        nginx_server.get(f"/static/css/{HASHED_CSS_NAME}").one("Cache-Control") == "public, max-age=31536000, immutable"
    )
    assert nginx_server.get("/static/css/base.css").one("Cache-Control") == "public, max-age=3600"
    assert "immutable" not in str(nginx_server.get("/static/css/none.0123456789ab.css").headers)


def test_request_id_is_kept_or_created(nginx_server):
    assert nginx_server.get("/livez", X_Request_ID="abc-123").one("X-Request-ID") == "abc-123"
    assert re.fullmatch("[0-9a-f]{32}", nginx_server.get("/livez", X_Request_ID="a b;").one("X-Request-ID"))
    assert nginx_server.get("/metrics", X_Request_ID="abc-123").one("X-Request-ID") == "abc-123"


@pytest.mark.django_db(transaction=True)
def test_client_address_headers_are_ignored(nginx_server):
    user = {"email": "nina@example.com", "name": "Nina", "password": "seven green bottles"}
    forged = {"X_Forwarded_For": "203.0.113.9", "X_Real_IP": "203.0.113.9", "Forwarded": "for=203.0.113.9"}
    body = json.dumps(user).encode()

    tokens = json.loads(
        nginx_server.send("POST", "/api/v1/auth/register/", body, Content_Type="application/json", **forged).body
    )

    sessions = json.loads(nginx_server.get("/api/v1/sessions/", Authorization=f"Bearer {tokens['access']}").body)
    assert [session["ip_address"] for session in sessions["results"]] == ["127.0.0.1"]


def test_duplicate_host_and_length_headers_are_rejected(nginx_server):
    for doubled in (
        "Content-Length: 3\r\nContent-Length: 4",
        "Host: other",
        "Content-Length: 3\r\nTransfer-Encoding: chunked",
    ):
        with socket.create_connection(("127.0.0.1", nginx_server.port), timeout=10) as raw:
            raw.sendall(f"POST /api/v1/tasks/ HTTP/1.1\r\nHost: a\r\n{doubled}\r\n\r\nabc".encode())
            assert raw.recv(4096).startswith(b"HTTP/1.1 400 ")


def send_raw(nginx_server, request: str) -> bytes:
    with socket.create_connection(("127.0.0.1", nginx_server.port), timeout=10) as connection:
        connection.sendall(request.encode())
        return connection.recv(65536)


@pytest.mark.parametrize(
    ("line", "status"), [("GET /api/v1/tasks/ HTTP/3.0", 505), ("GET / HTTP/9.9", 505), ("GET nothing", 400)]
)
def test_malformed_requests_get_an_error_page(line, status, nginx_server):
    response = send_raw(nginx_server, f"{line}\r\nHost: localhost\r\n\r\n")

    assert response.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"<center>" not in response
    assert all(response.lower().count(f"\n{name.lower()}: ".encode()) == 1 for name in SECURITY_HEADERS)


def test_etag_and_encoding_of_nodes_are_kept(nginx_server):
    response = nginx_server.get("/api/v1/schema/", Accept_Encoding="gzip, br")

    assert (response.one("Content-Encoding"), response.one("ETag")[-4:]) == ("br", '-br"')
    assert "Accept-Encoding" in response.one("Vary")
    assert (
        nginx_server.get("/api/v1/schema/", Accept_Encoding="gzip, br", If_None_Match=response.one("ETag")).status
        == 304
    )


def test_login_flood_gets_problem_documents(nginx_server):
    body = b'{"email": "nobody@example.com", "password": "wrong"}'

    def post(path):
        return nginx_server.send("POST", path, body, Content_Type="application/json")

    with ThreadPoolExecutor(8) as pool:
        responses = list(pool.map(post, ["/api/v1/auth/refresh/"] * 120))

    refused = [response for response in responses if response.status == 429]
    assert 40 <= len(refused) <= 70
    assert {json.loads(response.body)["code"] for response in refused} == {"rate_limited"}
    assert {response.one("Retry-After") for response in refused} == {"1"}
    assert nginx_server.get("/login/").status == 200


@pytest.mark.parametrize("round_number", [1, 2, 3])
def test_reads_survive_a_killed_node(round_number, nginx_server):
    statuses, has_load = [], threading.Event()

    def get(number):
        if number == 100:
            has_load.set()
        statuses.append(nginx_server.get("/api/v1/health").status)

    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(get, number) for number in range(300)]
        has_load.wait(20)
        nginx_server.kill_node("one")
        for future in futures:
            future.result()
    nginx_server.socket("one").unlink()
    nginx_server.start_node("one")

    assert (len(statuses), set(statuses)) == (300, {200})


def test_missing_nodes_give_503_at_once(nginx_server):
    for name in list(nginx_server.nodes):
        nginx_server.kill_node(name)
        nginx_server.socket(name).unlink()

    started = time.monotonic()
    api, page = nginx_server.get("/api/v1/tasks/"), nginx_server.get("/")
    seconds = time.monotonic() - started
    for name in ("one", "two"):
        nginx_server.start_node(name)
    nginx_server.wait(lambda: nginx_server.get("/readyz").status == 200)

    assert (api.status, page.status) == (503, 503)
    assert seconds < 1
    assert json.loads(api.body)["code"] == "service_unavailable"
    assert api.one("Retry-After") == "2"
    assert page.one("Content-Type").startswith("text/html")
