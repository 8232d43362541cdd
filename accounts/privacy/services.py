"""Exports of personal data, and account deletion: closed at once, reopenable for 14 days, then erased."""

from __future__ import annotations

import tempfile
import uuid
import zipfile
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.db import IntegrityError, transaction
from django.db.models import CASCADE, F, Q
from django.urls import reverse
from django.utils.translation import gettext

from accounts import events
from accounts.api_keys.services import revoke_all_keys
from accounts.auth import account_emails, one_time_tokens
from accounts.auth.sessions import cache
from accounts.auth.sessions.services import revoke_all_sessions
from accounts.events import user_payload
from accounts.models import AccountDeletion, Avatar, EmailChange, Export, ExportChunk, Invitation, User
from accounts.models.users import ERASED_USER_NAME
from accounts.privacy import selectors
from accounts.users.administration import get_user_for_update
from accounts.users.services import require_password, save_changes
from core.db import violated_constraint
from core.errors import Conflict, Invalid, NotAuthenticated, NotFound
from core.etags import check_version
from core.privacy import ExportSection, providers
from core.security.hashing import sha256_hex
from core.serialization import dumps
from core.text import normalize_email
from events.outbox import publish

EXPORT_TTL = timedelta(days=7)
# After this time a request that was never built is given up, so that the user can make another one.
BUILD_TIMEOUT = timedelta(hours=6)
CHUNK_SIZE = 1024 * 1024
GRACE_PERIOD = timedelta(days=14)
# Rows of these apps that belong to a user are deleted with the account; the other apps have their own providers.
PERSONAL_APPS = frozenset({"accounts", "account", "mfa", "socialaccount", "admin"})
log = structlog.get_logger(__name__)


@transaction.atomic
def request_export(*, actor: User, now: datetime) -> Export:
    """Request an archive of the actor's data, which a worker builds. Raises Conflict while one is being built."""
    try:
        export = Export.objects.create(user=actor, created_at=now, expires_at=now + EXPORT_TTL)
    except IntegrityError as error:
        if violated_constraint(error) != "export_one_pending_per_user":
            raise
        raise Conflict(gettext("An export is already being prepared."), code="under_way") from error
    publish(events.ExportRequested(user=user_payload(actor), export_id=str(export.pk)), actor=actor, at=now)
    return export


@transaction.atomic
def build_export(*, export_id: uuid.UUID, now: datetime) -> None:
    """Build the archive and notify its user by email. Does nothing for an export that is ready or gone."""
    requested = Export.objects.filter(pk=export_id, state=Export.State.REQUESTED)
    # The lock makes a second delivery of the event wait, and find the export ready.
    export = requested.select_for_update(of=("self",)).select_related("user").first()
    if export is None:
        return
    user, expires_at = export.user, now + EXPORT_TTL
    # Through a file on disk: an archive may be larger than memory.
    with tempfile.TemporaryFile() as file:
        # One JSON array per section, written row by row.
        sections = [section for provider in providers() for section in provider.parts]
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("README.txt", _readme(user, sections, now))
            for section in sections:
                # force_zip64: the size of a streamed entry is not known in advance.
                with archive.open(f"{section.name}.json", "w", force_zip64=True) as entry:
                    separator = b"[\n"
                    for row in section.rows(user.pk):
                        entry.write(separator + dumps(row))
                        separator = b",\n"
                    entry.write(b"[]\n" if separator == b"[\n" else b"\n]\n")
            if avatar := Avatar.objects.filter(user=user).first():
                archive.writestr("picture.webp", bytes(avatar.large))
        file.seek(0, 2)
        size, number = file.tell(), 0
        file.seek(0)
        while data := file.read(CHUNK_SIZE):
            ExportChunk.objects.create(export=export, number=number, data=data)
            number += 1
    requested.update(state=Export.State.READY, ready_at=now, expires_at=expires_at, size=size, version=F("version") + 1)
    # A closed account gets no more emails. It may have been closed while the archive was built.
    if User.objects.active().filter(pk=user.pk).exists():
        context = {
            "expires_at": expires_at.isoformat(),
            "privacy_path": reverse("settings-privacy"),
            "time_zone": user.time_zone,
            "language": user.language,
        }
        account_emails.enqueue(kind="export_ready", to=user.email, context=context, dedup_key=str(export.pk))
    publish(events.ExportReady(user=user_payload(user), export_id=str(export.pk)), actor=None, at=now)


def _readme(user: User, sections: list[ExportSection], now: datetime) -> str:
    width = max(len(section.name) for section in sections) + 7
    return "\n".join(
        [
            f"Data of {user.name} <{user.email}> on {settings.SITE_URL}, as of {now:%Y-%m-%d %H:%M} UTC.",
            gettext("Each file is a JSON array (RFC 8259) with one row per line; times are in UTC."),
            gettext("Passwords, keys and other secrets are stored as hashes or encrypted, and are not included."),
            "",
            *(f"{section.name + '.json':{width}}{section.description}" for section in sections),
            f"{'picture.webp':{width}}Your profile picture, if you have one.",
            "",
        ]
    )


@transaction.atomic
def delete_export(*, actor: User, export_id: uuid.UUID, now: datetime, versions: frozenset[int] | None = None) -> None:
    """Delete one of the actor's exports. Raises NotFound, VersionConflict."""
    export = selectors.get_export(actor, export_id, now)
    check_version(export, versions)
    export.delete()


def purge_exports(*, now: datetime) -> int:
    """Delete expired exports and requests that were never built; return the number of deleted rows."""
    timed_out = Q(state=Export.State.REQUESTED, created_at__lt=now - BUILD_TIMEOUT)
    return Export.objects.filter(Q(expires_at__lt=now) | timed_out).delete()[0]


@transaction.atomic
def request_deletion(*, actor: User, confirmation: str, now: datetime) -> AccountDeletion:
    """Close the actor's account and schedule its erasure after GRACE_PERIOD; an email tells how to cancel.

    The caller has checked that a user with MFA confirmed it lately. `confirmation` is the password or, for a user
    without one, the email address.
    Raises Invalid, NotAuthenticated, and Conflict for the last administrator.
    """
    # Locks all administrators as well: the last one cannot close their account.
    user = get_user_for_update(actor.pk, {"is_active": False})
    if not user.is_active:
        raise NotAuthenticated(gettext("This account is already closed."))
    if user.has_usable_password():
        require_password(user, confirmation, field="confirmation")
    elif normalize_email(confirmation) != user.email:
        raise Invalid.field("confirmation", gettext("Type your email address."), "another_address")
    link = one_time_tokens.new_token()
    due_at = now + GRACE_PERIOD
    deletion = AccountDeletion.objects.create(user=user, token_hash=link.hash, requested_at=now, due_at=due_at)
    save_changes(user, {"is_active": False}, actor=user)
    # Sessions and keys do not come back with the account: the user signs in again.
    revoke_all_sessions(actor=user, now=now)
    revoke_all_keys(owner=user, actor=user, now=now)
    context = {
        "name": user.name,
        "cancel_path": link.path("cancel-deletion"),
        "deletion_at": due_at.isoformat(),
        "time_zone": user.time_zone,
        "language": user.language,
    }
    # To the addresses before a change that can still be undone, too: an intruder would get the only email otherwise.
    former = EmailChange.objects.filter(user=user, expires_at__gt=now).values_list("email", flat=True).distinct()
    for email in {user.email, *former}:
        dedup_key = sha256_hex(f"{link.hash} {email}")
        account_emails.enqueue(kind="deletion_requested", to=email, context=context, dedup_key=dedup_key)
    event = events.AccountDeletionRequested(user=user_payload(user), due_at=due_at.isoformat())
    publish(event, actor=user, at=now)
    return deletion


@transaction.atomic
def cancel_deletion(*, token: str, now: datetime) -> User:
    """Reopen a closed account with the token of the email. Raises NotFound."""
    deletions = AccountDeletion.objects.filter(token_hash=one_time_tokens.hash_token(token), due_at__gt=now)
    # The user's row is locked first, in the order of all services that open, close or erase an account. Only then does
    # the delete decide whether the token is still valid.
    locked = User.objects.select_for_update(no_key=True)
    user = locked.filter(pk__in=deletions.values("user")).first()
    if user is None or not deletions.filter(user=user).delete()[0]:
        raise NotFound(gettext("This link is no longer valid: it was used already, or the account was erased."))
    save_changes(user, {"is_active": True}, actor=user)
    publish(events.AccountDeletionCancelled(user=user_payload(user)), actor=user, at=now)
    return user


def erase_due_accounts(*, now: datetime) -> int:
    """Erase the accounts that are due, each in its own transaction; return how many."""
    count = 0
    for user_id in list(
        AccountDeletion.objects.filter(due_at__lte=now).order_by("due_at").values_list("pk", flat=True)
    ):
        try:
            count += _erase_account(user_id, now)
        except Exception:  # boundary: an account that fails is tried again by the next run and must not stop this one
            log.exception("account_erasure_failed", user=str(user_id))
    return count


@transaction.atomic
def _erase_account(user_id: uuid.UUID, now: datetime) -> bool:
    """Erase one account unless its user came back or an administrator reactivated it; return whether it was erased."""
    # skip_locked: an account that is being reopened right now is left for the next run.
    user = User.objects.select_for_update(no_key=True, skip_locked=True).filter(pk=user_id).first()
    due = AccountDeletion.objects.filter(pk=user_id, due_at__lte=now)
    if user is None or not due.exists():
        return False
    if user.is_active:
        due.delete()
        return False
    # The event carries the id only, because the event log is kept.
    publish(events.UserErased(user={"id": str(user_id)}), actor=None, at=now)
    for provider in providers():
        provider.erase(user_id, now)
    log.info("account_erased", user=str(user_id))
    return True


def erase(user_id: uuid.UUID, now: datetime) -> None:
    """Erase this app's data of a user: the row stays without personal data, what belongs to it is deleted."""
    user = User.objects.get(pk=user_id)
    Invitation.objects.filter(Q(inviter=user) | Q(accepted_by=user) | Q(email=user.email)).delete()
    LogEntry.objects.filter(object_id=str(user_id)).delete()
    for relation in User._meta.related_objects:
        is_personal = relation.related_model._meta.app_label in PERSONAL_APPS
        if is_personal and relation.on_delete is CASCADE:
            # _base_manager: a default manager may hide rows.
            relation.related_model._base_manager.filter(**{relation.field.name: user}).delete()
    # The row stays because projects, tasks and comments refer to it.
    user.set_unusable_password()
    User.objects.filter(pk=user_id).update(
        name=ERASED_USER_NAME,
        email=f"{user_id}@erased.invalid",
        handle=f"former-{user_id.hex}",
        avatar="",
        time_zone="UTC",
        language="en",
        role=User.Role.USER,
        tier=User.Tier.FREE,
        password=user.password,
        is_active=False,
        erased_at=now,
        last_login=None,
        version=F("version") + 1,
    )
    cache.invalidate_user(user_id)
