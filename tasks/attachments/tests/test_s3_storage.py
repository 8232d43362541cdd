"""Attachments in S3, with a real server on loopback (moto)."""

from __future__ import annotations

import pytest
from django.core.files.storage import storages

from config import attachments
from tasks.attachments import orphans, processing
from tasks.attachments.storage import get_storage
from tasks.models import StoredFile, TrashEntry
from tasks.tests.attachments import upload

boto3 = pytest.importorskip("boto3")
ThreadedMotoServer = pytest.importorskip("moto.server").ThreadedMotoServer

URL = "/api/v1/tasks/OPS-1/attachments/"
pytestmark = pytest.mark.django_db


@pytest.fixture
def s3(settings, monkeypatch, tmp_path):
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    values = {
        "S3_BUCKET": "taskflow",
        "S3_REGION": "us-east-1",
        "S3_ENDPOINT_URL": f"http://{host}:{port}",
        "S3_ACCESS_KEY_ID": "test",
        "S3_SECRET_ACCESS_KEY": "test",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    settings.STORAGES = {**settings.STORAGES, "attachments": attachments.storage_settings("s3", tmp_path)}
    client = boto3.client(
        "s3",
        endpoint_url=values["S3_ENDPOINT_URL"],
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    client.create_bucket(Bucket="taskflow")
    yield client
    server.stop()


def test_file_is_stored_read_and_collected_in_s3(clients, task, s3):
    content = b"0123456789" * 1_000_000  # more than one part

    created = clients["bob"].post(URL, {"file": upload(content, "figures.csv")}, format="multipart")
    url = f"{created['Location']}content/"
    whole = clients["bob"].get(url)
    part = clients["bob"].get(url, headers={"Range": "bytes=5000000-5000009"})

    assert created.status_code == 201
    assert b"".join(whole.streaming_content) == content
    assert (part.status_code, b"".join(part.streaming_content)) == (206, b"0123456789")
    file = StoredFile.objects.get()
    assert [item["Key"] for item in s3.list_objects_v2(Bucket="taskflow")["Contents"]] == [file.name]
    assert clients["bob"].delete(created["Location"]).status_code == 204
    TrashEntry.objects.all().delete()
    orphans.collect(now=file.created_at)
    assert orphans.collect(now=file.created_at + orphans.RETENTION) == 1
    assert "Contents" not in s3.list_objects_v2(Bucket="taskflow")


def test_thumbnail_is_stored_in_s3(clients, task, s3):
    from accounts.tests.images import photo

    created = clients["bob"].post(URL, {"file": upload(photo(), "photo.jpg")}, format="multipart")
    processing.process(file_id=StoredFile.objects.get().pk)

    thumbnail = clients["bob"].get(f"{created['Location']}thumbnail/")

    assert (thumbnail.status_code, thumbnail["Content-Type"]) == (200, "image/webp")
    assert b"".join(thumbnail.streaming_content)[8:12] == b"WEBP"


def test_lost_object_and_lost_server_are_told_apart(clients, task, s3, settings):
    created = clients["bob"].post(URL, {"file": upload()}, format="multipart")
    url = f"{created['Location']}content/"
    s3.delete_object(Bucket="taskflow", Key=StoredFile.objects.get().name)

    assert clients["bob"].get(url).status_code == 404
    options = settings.STORAGES["attachments"]["OPTIONS"] | {"endpoint_url": "http://127.0.0.1:9"}
    settings.STORAGES = {**settings.STORAGES, "attachments": {**settings.STORAGES["attachments"], "OPTIONS": options}}
    assert type(get_storage()) is type(storages["attachments"])
    assert clients["bob"].get(url).status_code == 503
    refused = clients["bob"].post(URL, {"file": upload()}, format="multipart")
    assert (refused.status_code, StoredFile.objects.count()) == (503, 1)
