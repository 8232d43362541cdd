"""Static files through nginx: variants made beforehand, kept for ever, open to a CDN."""

from __future__ import annotations

import gzip

import brotli
import pytest

from tests.nginx.conftest import CSS_CONTENT, HASHED_CSS_NAME

pytestmark = [pytest.mark.nginx, pytest.mark.processes, pytest.mark.django_db]
PATH = f"/static/css/{HASHED_CSS_NAME}"
BROWSER_HEADERS = "gzip, deflate, br, zstd"


def test_the_gzip_variant_goes_to_who_takes_it(nginx_server):
    answer = nginx_server.get(PATH, Accept_Encoding="gzip")

    assert (answer.status, answer.one("Content-Encoding")) == (200, "gzip")
    assert answer.body == (nginx_server.folder / f"var{PATH}.gz").read_bytes()
    assert gzip.decompress(answer.body) == CSS_CONTENT


@pytest.mark.brotli
def test_the_brotli_variant_goes_to_who_takes_it(nginx_server):
    answer = nginx_server.get(PATH, Accept_Encoding=BROWSER_HEADERS)

    assert (answer.status, answer.one("Content-Encoding")) == (200, "br")
    assert answer.body == (nginx_server.folder / f"var{PATH}.br").read_bytes()
    assert brotli.decompress(answer.body) == CSS_CONTENT


@pytest.mark.parametrize("accepted", ["", "gzip", BROWSER_HEADERS])
def test_every_variant_has_its_type_and_is_told_apart_by_caches(accepted, nginx_server):
    answer = nginx_server.get(PATH, Accept_Encoding=accepted)

    assert answer.one("Content-Type") == "text/css"
    assert answer.one("Cache-Control") == "public, max-age=31536000, immutable"
    assert answer.all("Vary") == ["Accept-Encoding"]


def test_a_file_without_variants_is_compressed_on_its_way(nginx_server):
    answer = nginx_server.get("/static/css/base.css", Accept_Encoding="gzip")

    assert gzip.decompress(answer.body) == CSS_CONTENT


@pytest.mark.parametrize("path", [PATH, "/static/css/tokens.css"])
def test_pages_of_another_origin_may_load_a_file_of_ours_through_their_cdn(path, nginx_server):
    answer = nginx_server.get(path)

    assert answer.status == 200
    assert answer.one("Cross-Origin-Resource-Policy") == "cross-origin"
    assert answer.one("Access-Control-Allow-Origin") == "*"


@pytest.mark.parametrize("path", ["/login/", "/api/v1/tasks/", "/metrics", "/nothing"])
def test_nothing_else_is_open_to_other_origins(path, nginx_server):
    answer = nginx_server.get(path)

    assert answer.one("Cross-Origin-Resource-Policy") == "same-origin"
    assert answer.all("Access-Control-Allow-Origin") == []


@pytest.mark.parametrize(("header", "status"), [("Range", 416), ("If-Match", 412)])
def test_a_refusal_of_nginx_about_a_file_is_a_page_of_ours(header, status, nginx_server):
    value = "bytes=999999-" if header == "Range" else '"another"'

    answer = nginx_server.send("GET", PATH, None, **{header.replace("-", "_"): value})

    assert answer.status == status
    assert b'lang="en"' in answer.body
    assert b"nginx" not in answer.body
