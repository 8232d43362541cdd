"""Attachments in a browser: choose, drop, paste, progress, and files that would like to run."""

from __future__ import annotations

import base64

import pytest
from django.utils import timezone

from accounts.tests.images import photo
from tasks.attachments import processing
from tasks.items import drafts
from tasks.items import services as items
from tasks.models import Attachment
from tasks.tests.attachments import make_attachment

SCRIPT = "<script>document.title = 'owned'; fetch('/owned/')</script>"
HOSTILE = {
    "page.html": f"<!doctype html><title>x</title><body onload=\"document.title='owned'\">{SCRIPT}",
    "image.svg": f'<svg xmlns="http://www.w3.org/2000/svg" onload="document.title=\'owned\'">{SCRIPT}</svg>',
    "page.xhtml": f'<html xmlns="http://www.w3.org/1999/xhtml"><body>{SCRIPT}</body></html>',
}
# Files that a script makes: a drop and a paste have no other way into a test.
TRANSFER = """(element, [type, name, content, target]) => {
  const data = new DataTransfer();
  data.items.add(new File([Uint8Array.from(atob(content), (c) => c.charCodeAt(0))], name));
  const on = document.querySelector(target);
  const event = type === "paste"
    ? new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true })
    : new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true });
  on.dispatchEvent(event);
  return event.defaultPrevented;
}"""


@pytest.fixture
def task(sample_workspace):
    return items.create(
        actor=sample_workspace, draft=drafts.TaskDraft(title="With files"), now=timezone.now(), project_ref="OPS"
    )


def transfer(page, kind, name, content, target="#attachments"):
    encoded = base64.b64encode(content).decode()
    return page.locator("body").evaluate(TRANSFER, [kind, name, encoded, target])


def names(task):
    return sorted(Attachment.objects.filter(task=task).values_list("name", flat=True))


def test_files_are_chosen_dropped_and_pasted(sample_workspace, open_page, task, tmp_path):
    chosen = tmp_path / "chosen.txt"
    chosen.write_text("chosen " * 100_000)
    page = open_page(sample_workspace)
    page.goto(f"/tasks/{task.key}/")

    page.set_input_files("#attachment-file", [str(chosen)])
    page.wait_for_selector("#attachments ul.list >> text=chosen.txt")
    chosen.rename(tmp_path / "again.txt")
    page.set_input_files("#attachment-file", [str(tmp_path / "again.txt")])
    page.wait_for_selector("#attachments ul.list >> text=again.txt")
    assert transfer(page, "dragover", "dropped.txt", b"dropped")
    assert "dropping" in page.locator("#attachments").get_attribute("class")
    assert transfer(page, "drop", "dropped.txt", b"dropped", "main")
    page.wait_for_selector("#attachments ul.list >> text=dropped.txt")
    assert transfer(page, "paste", "pasted.jpg", photo(), "[name=body]")
    page.wait_for_selector("#attachments ul.list >> text=pasted.jpg")

    assert names(task) == ["again.txt", "chosen.txt", "dropped.txt", "pasted.jpg"]
    assert page.locator("#attachments .uploads li").count() == 0
    assert page.locator("#attachments .card-head").inner_text().split() == ["Attachments", "4"]
    assert page.evaluate("violations") == []


def test_refused_file_is_explained_and_the_next_one_sent(sample_workspace, open_page, task, tmp_path):
    files = []
    for name in ("setup.exe", "fine.txt"):
        path = tmp_path / name
        path.write_bytes(b"MZ" if name == "setup.exe" else b"fine")
        files.append(str(path))
    page = open_page(sample_workspace)
    page.goto(f"/tasks/{task.key}/")

    page.set_input_files("#attachment-file", files)

    page.wait_for_selector("#attachments ul.list >> text=fine.txt")
    error = page.locator("#attachments .uploads [role=alert]")
    assert "Files of the type .exe can't be attached." in error.inner_text()
    assert names(task) == ["fine.txt"]


def test_opened_file_runs_no_script(sample_workspace, open_page, task):
    for name, content in HOSTILE.items():
        attachment = make_attachment(task, sample_workspace, content.encode(), name=name)
        page = open_page(sample_workspace)
        requests = []
        page.on("request", lambda request, requests=requests: requests.append(request.url))
        address = f"/tasks/{task.key}/attachments/{attachment.pk}/"
        page.goto(address)
        title = page.title()
        assert name in title
        assert page.locator("pre.preview").inner_text().startswith(content[:15])

        # Straight to the address, as a link in a message would lead there.
        with page.expect_download() as download:
            page.evaluate("(url) => { location.href = url; }", f"{address}content/")
        assert download.value.suggested_filename == name
        # And as a part of this site's own pages.
        framed = page.evaluate(
            """async (url) => {
              const frame = document.createElement("iframe");
              frame.src = url;
              const image = new Image();
              document.body.append(frame, image);
              await new Promise((resolve) => { image.onload = image.onerror = resolve; image.src = url; });
              return image.naturalWidth;
            }""",
            f"{address}content/",
        )

        assert framed == 0
        assert page.title() == title
        assert not any("owned" in url for url in requests), requests


def test_form_attaches_without_scripts(sample_workspace, open_page, task, tmp_path):
    path = tmp_path / "plain.txt"
    path.write_text("plain")
    page = open_page(sample_workspace, scripts=False)
    page.goto(f"/tasks/{task.key}/")
    page.set_input_files("#attachment-file", [str(path)])

    page.click("#attachments summary")
    page.click("#attachments button:text('Attach')")

    page.wait_for_selector("#attachments ul.list >> text=plain.txt")
    assert names(task) == ["plain.txt"]


def test_thumbnail_and_states_are_shown(sample_workspace, open_page, task):
    attachment = make_attachment(task, sample_workspace, photo(), name="photo.jpg", media_type="image/jpeg")
    processing.process(file_id=attachment.file_id)
    page = open_page(sample_workspace)
    page.goto(f"/tasks/{task.key}/")

    page.locator("#attachments img.thumb").scroll_into_view_if_needed()
    page.wait_for_function("document.querySelector('#attachments img.thumb').naturalWidth > 100")
    assert page.evaluate("violations") == []
