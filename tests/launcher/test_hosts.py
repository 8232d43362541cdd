"""Hosts under which TaskFlow may be asked for, and environments of processes."""

from __future__ import annotations

import socket

import pytest

from launcher import environment, hosts, run
from launcher.paths import Paths
from tests.launcher.conftest import ROOT

ANY_IPV4, ANY_IPV6 = "0.0.0.0", "::"  # noqa: S104 - compared, not bound
LOCAL = ["127.0.0.1", "localhost", "[::1]"]


@pytest.fixture(autouse=True)
def _no_own_hosts(monkeypatch):
    monkeypatch.delenv("ALLOWED_HOSTS", raising=False)
    monkeypatch.delenv("SITE_URL", raising=False)


def test_wildcard_address_allows_this_machines_names(monkeypatch):
    monkeypatch.setattr(socket, "gethostname", lambda: "Box.office")
    monkeypatch.setattr(socket, "getfqdn", lambda: "box.office")
    infos = [("192.168.1.5", 0), ("127.0.1.1", 0), ("fd00::5", 0, 0, 0), ("fe80::1%eth0", 0, 0, 2)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: [(0, 0, 0, "", address) for address in infos])

    for host in (ANY_IPV4, ANY_IPV6):
        allowed = hosts.allowed_hosts(host)

        assert allowed[:3] == LOCAL
        assert {"box.office", "box.local", "192.168.1.5", "[fd00::5]"} <= set(allowed)
        assert not {"*", "127.0.1.1", "[fe80::1]", ANY_IPV4} & set(allowed)


def test_specific_address_allows_itself_alone():
    assert hosts.allowed_hosts("127.0.0.1") == LOCAL
    assert hosts.allowed_hosts("192.168.1.5") == [*LOCAL, "192.168.1.5"]
    assert hosts.allowed_hosts("fd00::5") == [*LOCAL, "[fd00::5]"]


def test_allowed_hosts_of_the_environment_replace_the_derived(monkeypatch):
    monkeypatch.setenv("ALLOWED_HOSTS", "tasks.example.com, 10.0.0.7")

    # The launcher asks 127.0.0.1 whether the server is ready.
    assert hosts.allowed_hosts(ANY_IPV4) == ["tasks.example.com", "10.0.0.7", "127.0.0.1"]


def test_environment_writes_ipv6_addresses_in_brackets(tmp_path, monkeypatch):
    monkeypatch.setattr(environment, "with_secret_keys", lambda _paths, base: base)
    paths = Paths(root=tmp_path, var=tmp_path / "var")

    for host, bind, site in [
        ("127.0.0.1", "127.0.0.1:80", "http://127.0.0.1:80"),
        (ANY_IPV4, f"{ANY_IPV4}:80", "http://127.0.0.1:80"),
        (ANY_IPV6, "[::]:80", "http://127.0.0.1:80"),
        ("fd00::5", "[fd00::5]:80", "http://[fd00::5]:80"),
    ]:
        settings = run.build_environment(paths, {}, host, 80)

        assert (settings["BIND"], settings["SITE_URL"]) == (bind, site)
        assert "127.0.0.1" in settings["ALLOWED_HOSTS"]


def test_background_processes_give_way_to_the_web(tmp_path):
    paths = Paths(root=tmp_path, var=tmp_path / "var")

    assert run.web_process(paths, {}).nice == 0
    # The relay starts at full priority and lowers it by itself: all events wait for it.
    assert {spec.nice for spec in run.background_processes(paths, {})} == {0, run.BACKGROUND_NICE}
    assert 5 <= run.BACKGROUND_NICE <= 10


def test_nginx_of_the_stack_logs_no_query_strings():
    for name in ("snippets/http.conf", "snippets/server.conf", "snippets/server_routes.conf", "stack.conf.template"):
        text = (ROOT / "nginx" / name).read_text()
        levels = [line.split()[-1] for line in text.splitlines() if line.strip().startswith("error_log")]

        # Lower levels write the request, with its query string, into nginx's message.
        assert set(levels) <= ({"error;"} if name.endswith("template") else {"alert;"}), name
    assert (
        "$request_uri"
        not in (ROOT / "nginx/snippets/http.conf").read_text().partition("log_format")[2].partition(";")[0]
    )
