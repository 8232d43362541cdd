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


def test_the_configuration_of_the_containers_is_accepted(tmp_path):
    for path in (ROOT / "nginx").rglob("*.conf"):
        copy = tmp_path / path.relative_to(ROOT / "nginx")
        copy.parent.mkdir(exist_ok=True)
        copy.write_text(path.read_text().replace("/tmp/", f"{tmp_path}/"))

    if module := find_brotli_module():
        (tmp_path / "modules-enabled").mkdir()
        (tmp_path / "modules-enabled/brotli.conf").write_text(f"load_module {module};")
        (tmp_path / "encodings").mkdir()
        (tmp_path / "encodings/brotli.conf").write_text("brotli_static on;")

    done = subprocess.run(
        [find_executable(), "-t", "-c", tmp_path / "nginx.conf"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert "[warn]" not in done.stderr


def test_an_answer_of_the_api_passes_unchanged(nginx_server):
    answer = nginx_server.get("/api/v1/health", Accept_Encoding="gzip")

    assert answer.status == 200
    assert json.loads(answer.body)["checks"]["database"]["status"] == "ok"
    assert not answer.one("ETag").startswith("W/")


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
def test_a_refusal_below_the_api_is_a_problem_document(method, path, headers, body, status, code, nginx_server):
    answer = nginx_server.send(method, path, body, **headers)

    problem = json.loads(answer.body)
    assert answer.status == status
    assert answer.one("Content-Type") == "application/problem+json"
    assert (problem["status"], problem["code"], problem["type"]) == (status, code, f"urn:taskflow:problem:{code}")
    assert problem["instance"].startswith("/api/v1/")


@pytest.mark.parametrize("path", ["/metrics", "//metrics", "/%6detrics", "/./metrics"])
def test_the_metrics_are_not_for_the_world(path, nginx_server):
    answer = nginx_server.get(path)

    assert answer.status == 404
    assert b"python_info" not in answer.body
    assert answer.one("Content-Type").startswith("text/html")


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
def test_every_answer_carries_each_security_header_once(path, status, nginx_server):
    answer = nginx_server.get(path)

    assert answer.status == status
    assert {name: len(answer.all(name)) for name in SECURITY_HEADERS} == dict.fromkeys(SECURITY_HEADERS, 1)


def test_a_hashed_file_may_be_kept_for_ever_and_a_plain_one_may_not(nginx_server):
    assert (
        nginx_server.get(f"/static/css/{HASHED_CSS_NAME}").one("Cache-Control") == "public, max-age=31536000, immutable"
    )
    assert nginx_server.get("/static/css/base.css").one("Cache-Control") == "public, max-age=3600"
    assert "immutable" not in str(nginx_server.get("/static/css/none.0123456789ab.css").headers)


def test_a_request_keeps_its_id_or_gets_one(nginx_server):
    assert nginx_server.get("/livez", X_Request_ID="abc-123").one("X-Request-ID") == "abc-123"
    assert re.fullmatch("[0-9a-f]{32}", nginx_server.get("/livez", X_Request_ID="a b;").one("X-Request-ID"))
    assert nginx_server.get("/metrics", X_Request_ID="abc-123").one("X-Request-ID") == "abc-123"


@pytest.mark.django_db(transaction=True)
def test_what_a_stranger_says_about_addresses_is_not_believed(nginx_server):
    user = {"email": "nina@example.com", "name": "Nina", "password": "seven green bottles"}
    lies = {"X_Forwarded_For": "203.0.113.9", "X_Real_IP": "203.0.113.9", "Forwarded": "for=203.0.113.9"}
    body = json.dumps(user).encode()

    tokens = json.loads(
        nginx_server.send("POST", "/api/v1/auth/register/", body, Content_Type="application/json", **lies).body
    )

    sessions = json.loads(nginx_server.get("/api/v1/sessions/", Authorization=f"Bearer {tokens['access']}").body)
    assert [one["ip_address"] for one in sessions["results"]] == ["127.0.0.1"]


def test_two_lengths_or_two_hosts_are_refused_before_a_node_sees_them(nginx_server):
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
def test_a_request_that_is_no_http_of_ours_gets_a_page_of_ours(line, status, nginx_server):
    answer = send_raw(nginx_server, f"{line}\r\nHost: localhost\r\n\r\n")

    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"<center>" not in answer
    assert all(answer.lower().count(f"\n{name.lower()}: ".encode()) == 1 for name in SECURITY_HEADERS)


def test_answers_of_nodes_keep_their_strong_tags_and_their_encoding(nginx_server):
    answer = nginx_server.get("/api/v1/schema/", Accept_Encoding="gzip, br")

    assert (answer.one("Content-Encoding"), answer.one("ETag")[-4:]) == ("br", '-br"')
    assert "Accept-Encoding" in answer.one("Vary")
    assert (
        nginx_server.get("/api/v1/schema/", Accept_Encoding="gzip, br", If_None_Match=answer.one("ETag")).status == 304
    )


def test_a_flood_of_sign_ins_is_refused_before_it_reaches_a_node(nginx_server):
    body = b'{"email": "nobody@example.com", "password": "wrong"}'

    def ask(path):
        return nginx_server.send("POST", path, body, Content_Type="application/json")

    with ThreadPoolExecutor(8) as people:
        found = list(people.map(ask, ["/api/v1/auth/refresh/"] * 120))

    refused = [answer for answer in found if answer.status == 429]
    assert 40 <= len(refused) <= 70
    assert {json.loads(answer.body)["code"] for answer in refused} == {"rate_limited"}
    assert {answer.one("Retry-After") for answer in refused} == {"1"}
    assert nginx_server.get("/login/").status == 200


@pytest.mark.parametrize("round_number", [1, 2, 3])
def test_no_get_fails_while_a_node_is_killed(round_number, nginx_server):
    answered, go = [], threading.Event()

    def ask(number):
        if number == 100:
            go.set()
        answered.append(nginx_server.get("/api/v1/health").status)

    with ThreadPoolExecutor(8) as people:
        work = [people.submit(ask, number) for number in range(300)]
        go.wait(20)
        nginx_server.kill_node("one")
        for one in work:
            one.result()
    nginx_server.socket("one").unlink()
    nginx_server.start_node("one")

    assert (len(answered), set(answered)) == (300, {200})


def test_when_all_nodes_are_gone_the_answer_is_a_quick_503(nginx_server):
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
