"""Everybody who could open a page, with what proves who they are, and everywhere the thing on it could be."""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import deepcopy
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, urlencode

from allauth.account.forms import default_token_generator
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.account.utils import user_pk_to_url_str
from allauth.socialaccount.models import SocialAccount
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.mail import EmailMessage
from django.db import transaction
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from accounts.selectors.ways_in import undo_of
from accounts.tests.factories import PASSWORD
from accounts.tests.fixtures import token_of
from accounts.tests.images import photo
from accounts.tests.keys import minted
from accounts.tests.second_factors import with_app
from core.testing.cache import begin_anew
from core.testing.pages import browser_of
from core.testing.state import attempts, fingerprint
from notifications.mailbox import FolderBackend
from tests.endpoints import Operation
from tests.page_forms import FORMS, QUERIES
from tests.passkeys import add_passkey
from tests.places import EXPORT, World
from tests.places import sent as sent_to_api
from tests.scene import Things

UPLOADS: dict[str, Callable[[], SimpleUploadedFile]] = {
    "picture": lambda: SimpleUploadedFile("me.jpg", photo()),
    "export": lambda: SimpleUploadedFile("todoist.csv", EXPORT.encode()),
}
HOLE = re.compile(r"{([\w:]+)}")
# What these names mean depends on where the path begins.
BY_FAMILY = {"key": "ref", "user_id": "user", "team_id": "team"}
FAMILIES = {"people": "directory", "avatars": "users"}
MASKED = re.compile(rb'(name="csrfmiddlewaretoken" value=")[^"]+')
OF_ONE_REQUEST = {"X-Request-ID", "Server-Timing", "Content-Length"}


class Outcome(NamedTuple):
    answer: HttpResponse
    names: dict[str, str]
    wrote: set[str]

    @property
    def led(self) -> str:
        """Where it leads, or the status."""
        return unquote(self.answer.get("Location", str(self.answer.status_code)))

    def told(self) -> tuple[Any, ...]:
        """The whole answer, but for what names this one request, the thing that was asked for, and a form's masked token."""
        answer = self.answer
        headers = {
            name: self._plain(text.encode()) for name, text in answer.headers.items() if name not in OF_ONE_REQUEST
        }
        cookies = {name: self._plain(one.value.encode()) for name, one in answer.cookies.items() if name != "csrftoken"}
        return answer.status_code, headers, cookies, self._plain(MASKED.sub(rb"\1", answer.content))

    def _plain(self, text: bytes) -> bytes:
        names = self.names | {self.answer["X-Request-ID"]: "REQUEST"}
        for value in sorted(names, key=len, reverse=True):
            text = text.replace(value.encode(), names[value].encode())
        return text


class PageWorld:
    """Each request is sent once for each place and person, and taken back."""

    def __init__(self) -> None:
        self.world = World()
        people = self.world.people
        self.guests = {name: confirmed(person) for name, person in self.world.sharers.items()}
        self.browsers = {name: confirmed(person) for name, person in people.items() if name not in {"gone", "service"}}
        self.browsers |= {
            "anonymous": Client(),
            "gone": browser_of(people["gone"]),
            **{f"tired {name}": browser_of(people[name]) for name in ("alice", "bob", "carol", "admin")},
            "key": Client(headers={"Authorization": f"Api-Key {minted(people['alice']).text}"}),
            "bearer": Client(headers={"Authorization": f"Bearer {token_of(people['admin'])}"}),
        }
        self.places = {place: {**scene.things, **NOWHERE} for place, scene in self.world.places.items()}
        self.places["own"] |= keepsakes(people["alice"])
        self.places["foreign"] |= keepsakes(people["dave"])
        FolderBackend().send_messages([EmailMessage("A letter", "", to=[], headers={"Message-ID": "<letter>"})])
        self.known: dict[tuple[str, str, str], Outcome] = {}
        self.still = fingerprint()

    def ask(self, name: str, place: str, who: str) -> Outcome:
        asked = (name, place, who)
        if asked not in self.known:
            browsers = self.browsers | self.guests if place == "shared" else self.browsers
            self.known[asked] = self._ask(name, self.places[place], browsers[who])
        return self.known[asked]

    def by_cookie(self, operation: Operation, who: str) -> Outcome:
        """What the API answers to a browser of somebody who is signed in."""
        scene = self.world.places["own"]
        query = scene.query(operation)
        address = f"{scene.url(operation)}?{query}" if query else scene.url(operation)
        words = sent_to_api(scene, operation)
        return self._taken_back(self.browsers[who], lambda browser: browser.generic(operation.method, address, **words))

    def _ask(self, name: str, things: Things, browser: Client) -> Outcome:
        (method, path), address = name.split(" "), path_of(name, things)
        if method == "POST":
            return self._taken_back(browser, lambda one: one.post(address, sent(path, things)), names_in(name, things))
        return self._taken_back(browser, lambda one: one.generic(method, address), names_in(name, things))

    def _taken_back(
        self, browser: Client, send: Callable[[Client], Any], names: dict[str, str] | None = None
    ) -> Outcome:
        begin_anew()  # the eleventh of those who ask may not have spent the limit of the first
        cookies, before = deepcopy(browser.cookies), attempts()
        with transaction.atomic():
            answer = send(browser)
            wrote = self._changed() if attempts() != before else set()
            transaction.set_rollback(True)
        browser.cookies = cookies
        return Outcome(answer, names or {}, wrote)

    def _changed(self) -> set[str]:
        """The tables with another row than before; the session of one's own cookie says nothing about anybody."""
        return {table for table, digest in fingerprint().items() if digest != self.still[table]} - {"django_session"}


def confirmed(person: User) -> Client:
    """A browser in which this person has just shown once more who they are."""
    browser = browser_of(person)
    assert browser.post("/confirm/", {"password": PASSWORD}).status_code == 302
    return browser


def path_of(name: str, things: Things) -> str:
    method, path = name.split(" ")
    address = "/" + filled(path, path, things)
    query = {key: filled(path, value, things) for key, value in QUERIES.get(path, {}).items()}
    return f"{address}?{urlencode(query)}" if query and method == "GET" else address


def sent(path: str, things: Things) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in FORMS.get(path, {}).items():
        plain = filled(path, value, things) if isinstance(value, str) else value
        found[name] = UPLOADS[plain]() if name == "file" and isinstance(plain, str) else plain
    return found


def filled(path: str, text: str, things: Things) -> str:
    return HOLE.sub(lambda found: things[meant(path, found[1])], text)


def meant(path: str, hole: str) -> str:
    family = path.partition("/")[0]
    return f"{BY_FAMILY[hole]}:{FAMILIES.get(family, family)}" if hole in BY_FAMILY else hole


def holes(name: str) -> set[str]:
    """The names of all things that a request says, in its path, its query or its form."""
    method, path = name.split(" ")
    words = QUERIES.get(path, {}) if method == "GET" else FORMS.get(path, {})
    return {meant(path, hole) for text in (path, *map(str, words.values())) for hole in HOLE.findall(text)}


def names_in(name: str, things: Things) -> dict[str, str]:
    """What is said of the thing, and what stands for it where two answers are compared; a number alone says nothing."""
    said = {things[hole]: hole for hole in holes(name) if not things[hole].isdigit()}
    address = path_of(name, things)
    return said | {address: "PATH", quote(address, safe=""): "PATH"}


# What every place has by the same name.
NOWHERE = {
    "digest": "0123456789abcdef",
    "size": "48",
    "provider_id": "nowhere",
    "name": "letter",
    "identity_id": "999999999",
    "pk": "999999999",
    "verification": "nothing",
    "reset": "nothing",
    "undo": "nothing",
}


def keepsakes(owner: User) -> Things:
    """What only pages act on: an app and a passkey, an identity at a provider, and the links of two mails."""
    with_app(owner)
    address = EmailAddress.objects.create(user=owner, email=owner.email, primary=True)
    identity = SocialAccount.objects.create(user=owner, provider="example", uid=owner.handle)
    passkey = add_passkey(owner)
    link = undo_of(owner, "webauthn_added") or ""
    return {
        "undo": unquote(link.partition("=")[2]),
        "identity_id": str(identity.pk),
        "pk": str(passkey.pk),
        "verification": EmailConfirmationHMAC(address).key,
        "reset": f"{user_pk_to_url_str(owner)}-{default_token_generator.make_token(owner)}",
    }
