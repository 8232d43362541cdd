"""Attachments in a browser: choose, drop, paste, progress, and files that would like to run."""

from __future__ import annotations

import base64
import re
from contextlib import suppress

import pytest
from django.test import override_settings
from django.utils import timezone
from playwright.sync_api import Error as PlaywrightError

from accounts.tests.images import photo
from tasks.attachments import processing
from tasks.attachments.file_names import MAX_NAME_LENGTH
from tasks.attachments.tests.test_hostile_files import HOSTILE_FILES, HOSTILE_NAMES, INERT
from tasks.items import drafts
from tasks.items import services as items
from tasks.models import Attachment
from tasks.tests.attachments import make_attachment
from tests.browser.conftest import wait_until

# Hostile files that are images, and may be shown as such.
IMAGES = {"polyglot.gif", "polyglot.png", "comment.png", "archive.jpg"}
# The form of the page, with a name that no file of a disk could have.
UPLOAD = """async ([key, name, content]) => {
  const form = new FormData();
  form.append("csrfmiddlewaretoken", document.querySelector("[name=csrfmiddlewaretoken]").value);
  form.append("file", new File([Uint8Array.from(atob(content), (c) => c.charCodeAt(0))], name), name);
  const response = await fetch(`/tasks/${key}/attachments/`, { method: "POST", body: form });
  return [response.status, (await response.text()).match(/role="alert"[^]{0,300}/)?.[0] ?? ""];
}"""
EMBED = """async (url) => {
  const image = new Image();
  const frames = ["iframe", "object", "embed"].map((name) => document.createElement(name));
  for (const frame of frames) frame[frame.localName === "object" ? "data" : "src"] = url;
  document.body.append(image, ...frames);
  await new Promise((resolve) => { image.onload = image.onerror = resolve; image.src = url; });
  await new Promise((resolve) => setTimeout(resolve, 50));
  const text = (frame) => { try { return frame.contentDocument?.body?.innerText ?? ""; } catch { return "rendered"; } };
  const width = image.naturalWidth;
  const texts = frames.map(text);
  for (const element of [image, ...frames]) element.remove();
  return { frames: texts, width };
}"""
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


def test_hostile_files_run_nothing(sample_workspace, open_page, task):
    """Upload each under its own name, then open it in every way."""
    page, other_page = open_page(sample_workspace), open_page(sample_workspace)
    requests: list[str] = []
    dialogs: list[str] = []
    for tab in (page, other_page):
        tab.on("request", lambda request: requests.append(request.url))
        tab.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page.goto(f"/tasks/{task.key}/")
    named = [(name, b"text", INERT) for name, _ in HOSTILE_NAMES if len(name) < MAX_NAME_LENGTH]
    with override_settings(ATTACHMENT_MAX_PER_TASK=200):
        for name, content, expected in [*HOSTILE_FILES, *named]:
            before = Attachment.objects.count()
            status, text = page.evaluate(UPLOAD, [task.key, name, base64.b64encode(content).decode()])
            is_stored = Attachment.objects.count() == before + 1
            assert (is_stored, status) == ((True, 200) if expected is INERT else (False, 422)), (name, text)

    attachments = list(Attachment.objects.filter(task=task).select_related("file"))
    assert len(HOSTILE_FILES) >= 25
    assert len(attachments) >= 20
    for attachment in attachments:
        processing.process(file_id=attachment.file_id)
        address = f"/tasks/{task.key}/attachments/{attachment.pk}/"
        page.goto(address)
        title = page.title()
        assert attachment.name in title
        assert page.locator("main iframe, main object, main embed").count() == 0

        # As a part of this site's own pages: nothing is rendered; as an image only what is one.
        rendered = page.evaluate(EMBED, f"{address}content/")
        assert rendered["frames"] == [""] * 3, attachment.name
        assert (rendered["width"] > 0) is (attachment.name in IMAGES), attachment.name
        assert page.title() == title
        # Straight to the address, as a link in a message would lead there.
        with other_page.expect_download() as download:
            with suppress(PlaywrightError):  # a download is no page
                other_page.goto(f"{address}content/")
        # Chromium replaces escaped line ends and quotes.
        assert download.value.suggested_filename == re.sub("%(0[AD]|22)", "_", attachment.name)
    assert dialogs == []
    assert not any("owned" in url or "/me/" in url for url in requests), requests
    assert "owned" not in {page.title(), other_page.title()}


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
    wait_until(page, "document.querySelector('#attachments img.thumb').naturalWidth > 100")
    assert page.evaluate("violations") == []
