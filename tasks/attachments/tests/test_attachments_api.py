from __future__ import annotations

import hashlib
import io

import pytest
from django.test.client import MULTIPART_CONTENT

from accounts.tests.images import bomb, photo
from core.testing.database_state import table_digests
from tasks.attachments.storage import get_storage
from tasks.models import Attachment, StoredFile
from tasks.tests.attachments import make_attachment, upload
from tasks.tests.factories import TaskFactory

URL = "/api/v1/tasks/OPS-1/attachments/"

pytestmark = pytest.mark.django_db


def post(client, file, url=URL, **extra):
    return client.post(url, {"file": file, **extra}, format="multipart")


def body_of(response):
    return b"".join(response.streaming_content)


def stored_names():
    storage = get_storage()
    return {
        f"{year}/{month}/{name}"
        for year in storage.listdir("")[0]
        for month in storage.listdir(year)[0]
        for name in storage.listdir(f"{year}/{month}")[1]
    }


def test_upload_is_listed_shown_and_downloaded(clients, task, bob, outbox):
    content = b"Quarterly figures\n" * 1000

    created = post(clients["bob"], upload(content, "Zahlen Q1.txt"))

    assert created.status_code == 201
    data = created.json()
    assert created["Location"] == f"{URL}{data['id']}/"
    assert (data["name"], data["size"], data["media_type"], data["state"]) == (
        "Zahlen Q1.txt",
        len(content),
        "text/plain",
        "stored",
    )
    assert data["sha256"] == hashlib.sha256(content).hexdigest()
    assert data["uploader"]["handle"] == "bob"
    event = outbox.only("task.attachment_added")
    assert (event["file_name"], event["size"], event["attachment_id"]) == ("Zahlen Q1.txt", len(content), data["id"])
    client = clients["bob"]
    assert client.get(URL).json()["results"] == [data]
    assert client.get(created["Location"]).json() == data
    download = client.get(f"{created['Location']}content/")
    assert (download.status_code, body_of(download)) == (200, content)
    assert download["Content-Disposition"] == 'attachment; filename="Zahlen Q1.txt"'
    assert download["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in download["Content-Security-Policy"]
    assert download["Content-Type"] == "text/plain; charset=utf-8"


def test_download_name_of_other_scripts_is_encoded(clients, task, bob):
    attachment = make_attachment(task, bob, name="Übersicht „Q1“ 总结.pdf")

    response = clients["bob"].get(f"{URL}{attachment.pk}/content/")

    body_of(response)
    assert response["Content-Disposition"].startswith("attachment; filename*=utf-8''%C3%9Cbersicht")


def test_ranges_and_conditions_of_a_download(clients, task, bob):
    content = bytes(range(256)) * 4
    attachment = make_attachment(task, bob, content)
    url, client = f"{URL}{attachment.pk}/content/", clients["bob"]
    etag = f'"{attachment.file.sha256[:32]}"'
    cases = [
        ({"Range": "bytes=0-9"}, 206, content[:10], "bytes 0-9/1024"),
        ({"Range": "bytes=1000-"}, 206, content[1000:], "bytes 1000-1023/1024"),
        ({"Range": "bytes=-24"}, 206, content[-24:], "bytes 1000-1023/1024"),
        ({"Range": "bytes=1000-9999"}, 206, content[1000:], "bytes 1000-1023/1024"),
        ({"Range": "bytes=0-9", "If-Range": etag}, 206, content[:10], "bytes 0-9/1024"),
        ({"Range": "bytes=0-9", "If-Range": '"other"'}, 200, content, None),
        ({"Range": "bytes=0-9,20-29"}, 200, content, None),
        ({"Range": "bytes=9-0"}, 200, content, None),
        ({"Range": "lines=0-9"}, 200, content, None),
        ({"Range": "bytes=" + "9" * 40 + "-"}, 200, content, None),
    ]
    for headers, status, expected, content_range in cases:
        response = client.get(url, headers=headers)
        assert response.status_code == status, headers
        assert body_of(response) == expected, headers
        assert response.get("Content-Range") == content_range, headers
        assert response["Content-Length"] == str(len(expected)), headers
        assert response["ETag"] == etag

    beyond = client.get(url, headers={"Range": "bytes=1024-"})
    assert (beyond.status_code, beyond["Content-Range"]) == (416, "bytes */1024")
    assert beyond.json()["status"] == 416
    unchanged = client.get(url, headers={"If-None-Match": etag, "Range": "bytes=0-9"})
    assert (unchanged.status_code, unchanged.content) == (304, b"")


def test_head_of_a_download_has_no_body(clients, task, bob):
    attachment = make_attachment(task, bob, b"x" * 1000)

    response = clients["bob"].head(f"{URL}{attachment.pk}/content/")

    response.close()
    assert (response.status_code, response["Content-Length"]) == (200, "1000")


def test_refused_files_leave_nothing(clients, task, settings):
    settings.ATTACHMENT_MAX_BYTES = 1000
    clients["bob"].get(URL)
    before, names = table_digests(), stored_names()
    cases = [
        (upload(b"x" * 1001), 413, "too_large", "1000 bytes"),
        (upload(b"MZ\x90\x00" + b"\0" * 60, "setup.exe"), 422, "unsupported_type", ".exe"),
        (upload(b"%PDF-1.7\n", "photo.png"), 422, "type_mismatch", "photo.png"),
        (upload(b"", "empty.txt"), 422, "empty", "empty.txt"),
    ]

    for file, status, code, text in cases:
        response = post(clients["bob"], file)
        assert (response.status_code, response.json()["code"]) == (status, code)
        assert text in response.json()["detail"]
        assert response.json()["errors"][0]["field"] == "file"
    settings.ATTACHMENT_MAX_BYTES = 1_000_000
    response = post(clients["bob"], upload(bomb(), "flood.png"))
    assert (response.status_code, response.json()["code"]) == (422, "decompression_bomb")
    for extra in ({}, {"name": "x"}, {"other": upload()}):
        file = upload() if extra else "text"
        response = post(clients["bob"], file, **extra)
        assert response.status_code == 400, extra
    assert (table_digests(), stored_names()) == (before, names)


def test_count_per_task_is_limited(clients, task, bob, settings):
    settings.ATTACHMENT_MAX_PER_TASK = 1
    make_attachment(task, bob)
    names = stored_names()

    response = post(clients["bob"], upload())

    assert (response.status_code, response.json()["code"]) == (409, "too_many_attachments")
    assert "1 attachments" in response.json()["detail"]
    assert (Attachment.objects.count(), StoredFile.objects.count(), stored_names()) == (1, 1, names)


def test_quota_of_a_project_counts_all_its_tasks(clients, task, bob, settings):
    settings.ATTACHMENT_PROJECT_QUOTA_BYTES = 100
    make_attachment(TaskFactory(project=task.project), bob, b"x" * 60)
    make_attachment(TaskFactory(), bob, b"x" * 60)  # of another project
    names = stored_names()

    refused = post(clients["bob"], upload(b"x" * 41))
    accepted = post(clients["bob"], upload(b"x" * 40))

    assert (refused.status_code, refused.json()["code"]) == (409, "quota_exceeded")
    assert "100 bytes" in refused.json()["detail"]
    assert accepted.status_code == 201
    assert len(stored_names() - names) == 1


def test_delete_needs_uploader_or_project_admin(clients, task, alice, bob, commenter, outbox):
    attachment = make_attachment(task, bob, name="plan.txt")
    url = f"{URL}{attachment.pk}/"

    assert clients["commenter"].delete(url).status_code == 403
    assert clients["bob"].delete(url, headers={"If-Match": '"2"'}).status_code == 412
    assert Attachment.objects.exists()
    assert clients["alice"].delete(url).status_code == 204

    event = outbox.only("task.attachment_deleted")
    assert (event["file_name"], event["uploader_id"]) == ("plan.txt", str(bob.pk))
    assert not Attachment.objects.exists()
    # The file is in the trash with it.
    assert get_storage().exists(StoredFile.objects.get().name)


def test_attachment_is_undone_and_restored(clients, task, bob, outbox):
    client = clients["bob"]
    created = post(client, upload(b"plan", "plan.txt"))
    before = client.get(URL).json()["results"]

    deleted = client.delete(created["Location"])
    undone = client.post("/api/v1/undo/", {"token": deleted["Undo-Token"]})
    assert (undone.status_code, client.get(URL).json()["results"]) == (200, before)
    assert body_of(client.get(f"{created['Location']}content/")) == b"plan"
    redone = client.post("/api/v1/undo/", {"token": undone["Undo-Token"]})
    assert (redone.status_code, client.get(URL).json()["results"]) == (200, [])
    again = post(client, upload())
    assert client.post("/api/v1/undo/", {"token": again["Undo-Token"]}).status_code == 200

    assert client.get(URL).json()["results"] == []
    assert [name for name in outbox.names() if name != "task.attachment_added"] == [
        "task.attachment_deleted",
        "task.attachment_restored",
        "task.attachment_deleted",
        "task.attachment_deleted",
    ]


def test_restoration_keeps_the_limits(clients, task, bob, settings):
    settings.ATTACHMENT_MAX_PER_TASK = 1
    client = clients["bob"]
    deleted = client.delete(post(client, upload())["Location"])
    other = post(client, upload(name="other.txt"))

    refused = client.post("/api/v1/undo/", {"token": deleted["Undo-Token"]})

    assert (other.status_code, refused.status_code, refused.json()["code"]) == (201, 409, "too_many_attachments")
    assert [item["name"] for item in client.get(URL).json()["results"]] == ["other.txt"]


def test_archived_project_takes_no_files(clients, task, bob):
    attachment = make_attachment(task, bob)
    clients["alice"].post("/api/v1/projects/OPS/archive/")
    names = stored_names()

    assert post(clients["bob"], upload()).status_code == 409
    assert clients["bob"].delete(f"{URL}{attachment.pk}/").status_code == 409
    assert body_of(clients["bob"].get(f"{URL}{attachment.pk}/content/")) == b"Hello"
    assert (Attachment.objects.count(), stored_names()) == (1, names)


def test_attachment_is_not_found_under_another_task(clients, task, bob):
    attachment = make_attachment(task, bob)
    other = TaskFactory(project=task.project)

    for suffix in ("", "content/", "thumbnail/"):
        response = clients["bob"].get(f"/api/v1/tasks/{other.key}/attachments/{attachment.pk}/{suffix}")
        assert response.status_code == 404


def test_idempotency_key_stores_one_file(clients, task):
    names = stored_names()
    answers = [
        clients["bob"].post(URL, {"file": upload()}, format="multipart", headers={"Idempotency-Key": "once"})
        for _ in range(2)
    ]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert (Attachment.objects.count(), len(stored_names() - names)) == (1, 1)


def test_body_that_is_no_form_is_refused(clients, task):
    client = clients["bob"]

    assert client.post(URL, {"file": "x"}).status_code == 415
    assert client.generic("POST", URL, b"x", content_type="multipart/form-data").status_code == 400
    cut = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nxx'
    assert client.generic("POST", URL, cut, content_type=MULTIPART_CONTENT).status_code == 400
    assert not Attachment.objects.exists()


def test_file_lost_from_the_storage_is_not_found(clients, task, bob):
    attachment = make_attachment(task, bob)
    get_storage().delete(attachment.file.name)

    response = clients["bob"].get(f"{URL}{attachment.pk}/content/")

    assert response.status_code == 404


def test_full_disk_is_no_server_error(clients, task, attachment_dir, monkeypatch):
    def full(*_arguments):
        raise OSError(28, "No space left on device")

    clients["bob"].get(URL)
    before = table_digests()
    monkeypatch.setattr("os.fsync", full)

    response = post(clients["bob"], upload())

    assert (response.status_code, response.json()["code"]) == (503, "storage_unavailable")
    assert [path for path in attachment_dir.rglob("*") if path.is_file()] == []
    assert table_digests() == before


def test_form_with_too_many_parts_is_refused(clients, task):
    files = {"file": [upload(name=f"{number}.txt") for number in range(150)]}

    response = clients["bob"].post(URL, files, format="multipart")

    assert response.status_code == 400
    assert not Attachment.objects.exists()


def test_large_upload_goes_through_a_temporary_file(clients, task, settings):
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 1000
    content = io.BytesIO(photo()).getvalue()

    response = post(clients["bob"], upload(content, "photo.jpg"))

    assert response.status_code == 201
    assert body_of(clients["bob"].get(f"{response['Location']}content/")) == content
