"""Notifications about new access: sent once, and only while the recipient still has access."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from accounts.models import TeamMember
from accounts.teams import services as teams
from accounts.tests.factories import UserFactory
from core.errors import Invalid
from events.models import Event
from notifications import notify
from notifications.email import services as email_services
from notifications.kinds import ROLE_ABILITIES, TEMPLATES, Kind
from notifications.models import Notification, OutgoingEmail
from notifications.privacy import erase
from notifications.tests.factories import NOW, make_notification
from tasks.members import services as members
from tasks.members import teams as members_teams
from tasks.models import Role
from tasks.sharing import services as sharing

pytestmark = pytest.mark.django_db


@pytest.fixture
def deliver_all(deliver):
    """Return a function that delivers all pending events in log order."""
    done: set[int] = set()

    def deliver_pending() -> None:
        for event in Event.objects.exclude(pk__in=done).order_by("pk"):
            deliver(event)
            done.add(event.pk)

    return deliver_pending


def notified() -> list[tuple[str, str]]:
    return sorted(Notification.objects.values_list("recipient__name", "title"))


def added_to_project() -> list[tuple[str, str]]:
    notifications = Notification.objects.filter(kind=Kind.ADDED_TO_PROJECT)
    return sorted(notifications.values_list("recipient__name", "title"))


def share(actor, task, user, role="commenter"):
    return sharing.add(actor=actor, ref=task.key, role=role, user_id=user.pk)


def add_member(actor, user, role="editor"):
    return members.add(actor=actor, ref="OPS", role=role, user_id=user.pk)


class TestTaskShared:
    def test_new_access_is_notified_in_the_inbox_and_by_email(self, alice, mallory, task, sink, deliver_all):
        share(alice, task, mallory)

        deliver_all()

        notification = Notification.objects.get()
        assert (notification.recipient, notification.kind, notification.url) == (mallory, "shared", "/tasks/OPS-42/")
        assert notification.title == "Alice shared OPS-42 with you (can comment)"
        assert (notification.task_id, notification.project_id, notification.team_id) == (task.pk, task.project_id, None)
        mail = sink.only()
        assert (mail["To"], mail["Subject"]) == (
            "mallory@example.com",
            "[OPS-42] Alice shared this with you: Fix the printer",
        )
        assert "http://127.0.0.1:8000/tasks/OPS-42/" in mail.get_body(("plain",)).get_content()

    @pytest.mark.parametrize("role", ["viewer", "commenter", "editor"])
    def test_title_names_the_abilities_of_the_role(self, role, alice, mallory, task, sink, deliver_all):
        share(alice, task, mallory, role)

        deliver_all()

        abilities = {"viewer": "can view", "commenter": "can comment", "editor": "can edit"}[role]
        assert notified() == [("Mallory", f"Alice shared OPS-42 with you ({abilities})")]

    def test_changed_roles_are_not_notified_again(self, alice, mallory, task, sink, deliver_all):
        share(alice, task, mallory, "viewer")
        share(alice, task, mallory, "viewer")
        share(alice, task, mallory, "commenter")
        sharing.update(actor=alice, ref=task.key, user_id=mallory.pk, role="editor")

        deliver_all()

        assert notified() == [("Mallory", "Alice shared OPS-42 with you (can view)")]
        assert len(sink.messages) == 1

    def test_event_delivered_twice_notifies_once(self, alice, mallory, task, sink, deliver, outbox):
        share(alice, task, mallory)
        event = Event.objects.get(name="task.shared")

        deliver(event)
        deliver(event)

        assert (Notification.objects.count(), len(sink.messages)) == (1, 1)

    def test_access_removed_before_delivery_is_not_notified(self, alice, mallory, task, sink, deliver_all):
        share(alice, task, mallory)
        sharing.remove(actor=alice, ref=task.key, user_id=mallory.pk)

        deliver_all()

        assert (notified(), sink.messages) == ([], [])

    def test_access_removed_before_sending_withdraws_the_email(self, alice, mallory, task, sink):
        share(alice, task, mallory)
        event = Event.objects.get(name="task.shared")
        (email,) = notify.notify(event=event, kind=Kind.SHARED, user_ids=[str(mallory.pk)])
        sharing.remove(actor=alice, ref=task.key, user_id=mallory.pk)

        email_services.send(email_id=email, now=NOW)
        email_services.send(email_id=email, now=NOW)

        assert sink.messages == []
        assert (OutgoingEmail.objects.get().state, OutgoingEmail.objects.get().claimed_at) == ("withdrawn", None)
        assert email_services.requeue(email_ids=[email], now=NOW) == []

    def test_share_added_again_is_notified_again(self, alice, mallory, task, sink, deliver_all):
        share(alice, task, mallory)
        deliver_all()
        sharing.remove(actor=alice, ref=task.key, user_id=mallory.pk)
        share(alice, task, mallory)

        deliver_all()

        assert Notification.objects.count() == 2

    def test_share_with_oneself_is_rejected_and_not_notified(self, alice, task, sink, deliver_all):
        with pytest.raises(Invalid):
            share(alice, task, alice)

        deliver_all()

        assert (notified(), sink.messages) == ([], [])


class TestProjectMemberAdded:
    def test_new_access_is_notified_in_the_inbox_and_by_email(self, alice, mallory, project, sink, deliver_all):
        add_member(alice, mallory)

        deliver_all()

        notification = Notification.objects.get()
        assert (notification.recipient, notification.kind, notification.url) == (
            mallory,
            "added_to_project",
            "/projects/OPS/",
        )
        assert notification.title == f"Alice added you to the project {project.name} (can edit)"
        assert (notification.task_id, notification.project_id, notification.team_id) == (None, project.pk, None)
        mail = sink.only()
        assert mail["Subject"] == f"Alice added you to the project {project.name}"
        assert mail["References"] == f"<project.{project.pk}@taskflow.localhost>"
        assert "http://127.0.0.1:8000/projects/OPS/" in mail.get_body(("plain",)).get_content()

    def test_changed_roles_are_not_notified_again(self, alice, mallory, project, sink, deliver_all):
        add_member(alice, mallory, "viewer")
        add_member(alice, mallory, "admin")

        deliver_all()

        assert notified() == [("Mallory", f"Alice added you to the project {project.name} (can view)")]

    def test_access_removed_is_neither_notified_nor_mailed(self, alice, mallory, bob, project, sink, deliver_all):
        add_member(alice, mallory)
        event = Event.objects.get(name="project.member_added")
        (email,) = notify.notify(event=event, kind=Kind.ADDED_TO_PROJECT, user_ids=[str(mallory.pk)])
        members.remove(actor=alice, ref="OPS", user_id=mallory.pk, now=NOW)

        email_services.send(email_id=email, now=NOW)
        Notification.objects.all().delete()
        deliver_all()

        assert (notified(), sink.messages) == ([], [])

    def test_team_added_notifies_members_new_to_the_project(self, alice, bob, mallory, project, sink, deliver_all):
        zoe = UserFactory(name="Zoe")
        first, second = (_team(alice, name, [bob, mallory]) for name in ("First", "Second"))
        teams.add_member(actor=alice, team_id=second.pk, user_id=zoe.pk, role="member")
        for team, role in ((first, "viewer"), (second, "editor")):
            members_teams.add(actor=alice, ref="OPS", team_id=team.pk, role=role)
            Notification.objects.exclude(kind=Kind.ADDED_TO_PROJECT).delete()
            deliver_all()

        title = f"Alice added you to the project {project.name}"
        assert added_to_project() == [("Mallory", f"{title} (can view)"), ("Zoe", f"{title} (can edit)")]

    def test_teams_added_together_before_delivery_notify_once(self, alice, bob, mallory, project, sink, deliver_all):
        for name, role in (("First", "viewer"), ("Second", "editor")):
            team = _team(alice, name, [bob, mallory])
            members_teams.add(actor=alice, ref="OPS", team_id=team.pk, role=role)

        deliver_all()

        assert added_to_project() == [("Mallory", f"Alice added you to the project {project.name} (can view)")]

    def test_team_added_notifies_despite_a_later_own_role(self, alice, mallory, project, sink, deliver_all):
        team = _team(alice, "First", [mallory])
        members_teams.add(actor=alice, ref="OPS", team_id=team.pk, role="viewer")
        add_member(alice, mallory, "admin")

        deliver_all()

        assert added_to_project() == [("Mallory", f"Alice added you to the project {project.name} (can view)")]

    def test_team_event_of_the_previous_release_notifies_all_members(
        self, alice, bob, mallory, project, sink, deliver_all
    ):
        team = _team(alice, "First", [bob, mallory])
        members_teams.add(actor=alice, ref="OPS", team_id=team.pk, role="viewer")
        event = Event.objects.get(name="project.team_added")
        del event.payload["new_member_ids"]
        Event.objects.filter(pk=event.pk).update(payload=event.payload)

        deliver_all()

        title = f"Alice added you to the project {project.name} (can view)"
        assert added_to_project() == [("Bob", title), ("Mallory", title)]


class TestTeamMemberAdded:
    def test_new_access_is_notified_in_the_inbox_and_by_email(self, alice, mallory, sink, deliver_all):
        team = _team(alice, "Storefront", [mallory])

        deliver_all()

        notification = Notification.objects.get()
        assert (notification.recipient, notification.kind, notification.url) == (mallory, "added_to_team", "/projects/")
        assert notification.title == "Alice added you to the team Storefront"
        assert (notification.task_id, notification.project_id, notification.team_id) == (None, None, team.pk)
        assert sink.only()["Subject"] == "Alice added you to the team Storefront"
        assert sink.only()["References"] == f"<team.{team.pk}@taskflow.localhost>"

    def test_changed_roles_are_not_notified_again(self, alice, mallory, sink, deliver_all):
        team = _team(alice, "Storefront", [mallory, mallory])
        teams.add_member(actor=alice, team_id=team.pk, user_id=mallory.pk, role="lead")
        teams.update_member(actor=alice, team_id=team.pk, user_id=mallory.pk, role="member")

        deliver_all()

        assert notified() == [("Mallory", "Alice added you to the team Storefront")]

    def test_team_left_before_delivery_is_not_notified(self, alice, mallory, sink, deliver_all):
        team = _team(alice, "Storefront", [mallory])
        event = Event.objects.get(name="team.member_added")
        (email,) = notify.notify(event=event, kind=Kind.ADDED_TO_TEAM, user_ids=[str(mallory.pk)])
        TeamMember.objects.filter(team=team, user=mallory).delete()

        email_services.send(email_id=email, now=NOW)
        Notification.objects.all().delete()
        deliver_all()

        assert (notified(), sink.messages) == ([], [])


def _team(lead, name, users):
    team = teams.create(actor=lead, name=name)
    for user in users:
        teams.add_member(actor=lead, team_id=team.pk, user_id=user.pk, role="member")
    return team


def test_role_abilities_cover_every_role():
    assert set(ROLE_ABILITIES) == set(Role)


def test_headline_with_an_actor_begins_with_the_actor():
    assert all(template.headline.find("{actor}") in {0, -1} for template in TEMPLATES.values())


def test_erasure_replaces_only_the_actor_name_in_titles(alice, mallory, task, project, sink, deliver_all):
    share(alice, task, mallory)
    add_member(alice, mallory)
    _team(alice, "Alice and friends", [mallory])
    deliver_all()

    erase(alice.pk, NOW)

    assert [title for _, title in notified()] == [
        f"Former member added you to the project {project.name} (can edit)",
        "Former member added you to the team Alice and friends",
        "Former member shared OPS-42 with you (can comment)",
    ]
    assert set(Notification.objects.values_list("actor_name", flat=True)) == {"Former member"}


@pytest.mark.parametrize(
    "columns", [{"project_id": None, "task_id": None}, {"team_id": "0b1c5b8e-6a0e-7000-8000-000000000000"}]
)
def test_notification_without_one_target_is_rejected(columns, bob):
    with pytest.raises(IntegrityError, match="notification_has_one_target"), transaction.atomic():
        make_notification(bob, **columns)

    assert not Notification.objects.exists()
