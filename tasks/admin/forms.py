"""Forms of the admin; each calls a service."""

from __future__ import annotations

from typing import Any

from django import forms

from accounts.models import User
from core.admin import ServiceForm
from core.clock import current_time
from core.errors import Invalid, NotFound
from core.forms import TitleField
from core.text import join_names, normalize_email, split_names
from tasks.items import drafts
from tasks.items import selectors as items_selectors
from tasks.items import services as items
from tasks.members import services as members
from tasks.members import teams
from tasks.models import Label, Project, ProjectMember, ProjectTeam, State, Task
from tasks.projects import labels as projects_labels
from tasks.projects import selectors as projects_selectors
from tasks.projects import services as projects
from tasks.projects import states

WRITABLE_FIELDS = [*Task.SCALAR_FIELDS, "parent", "assignees", "labels"]


class ProjectForm(ServiceForm):
    """A project; `archived` archives or restores it."""

    archived = forms.BooleanField(required=False, help_text="An archived project is read-only and hidden from lists.")
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    class Meta:
        model = Project
        fields = ["key", "name", "description", "wip_policy", "archived", "version"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "archived" in self.fields:
            # The form has a check box where the model has the time of archiving.
            self.fields["archived"].initial = self.instance.archived_at is not None
        if "wip_policy" in self.fields:
            self.fields["wip_policy"].required = False  # left out, it stays as it is

    def write(self, data: dict[str, Any]) -> Project:
        if self.instance._state.adding:
            return projects.create(
                actor=self.actor, key=data["key"], name=data["name"], description=data["description"]
            )
        ref, now = str(self.instance.pk), current_time()
        changes = {name: data[name] for name in ("name", "description")}
        changes["wip_policy"] = data["wip_policy"] or self.instance.wip_policy
        versions = frozenset({data["version"] or 0})
        project = projects.update(actor=self.actor, ref=ref, changes=changes, now=now, versions=versions)
        if data["archived"] != (project.archived_at is not None):
            return projects.archive(actor=self.actor, ref=ref, now=now, archived=data["archived"])
        return project


class MemberForm(ServiceForm):
    """A member of a project and the role."""

    class Meta:
        model = ProjectMember
        fields = ["project", "user", "role"]

    def write(self, data: dict[str, Any]) -> ProjectMember:
        project = data["project"].pk if "project" in data else self.instance.project_id
        user = data["user"].pk if "user" in data else self.instance.user_id
        return members.add(actor=self.actor, ref=str(project), user_id=user, role=data["role"])


class ProjectTeamForm(ServiceForm):
    """A team in a project and its role."""

    class Meta:
        model = ProjectTeam
        fields = ["project", "team", "role"]

    def write(self, data: dict[str, Any]) -> ProjectTeam:
        project = data["project"].pk if "project" in data else self.instance.project_id
        team = data["team"].pk if "team" in data else self.instance.team_id
        return teams.add(actor=self.actor, ref=str(project), team_id=team, role=data["role"])


class StateForm(ServiceForm):
    """A state; its name and WIP limit can be changed."""

    class Meta:
        model = State
        fields = ["project", "name", "category", "wip_limit"]

    def write(self, data: dict[str, Any]) -> State:
        if self.instance._state.adding:
            project = str(data.pop("project").pk)
            return states.add(actor=self.actor, ref=project, **data)
        changes = {name: data[name] for name in ("name", "wip_limit")}
        ref = str(self.instance.project_id)
        return states.update(actor=self.actor, ref=ref, state_id=self.instance.pk, changes=changes)


class LabelForm(ServiceForm):
    """A label of a project."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    class Meta:
        model = Label
        fields = ["project", "name", "colour", "version"]

    def write(self, data: dict[str, Any]) -> Label:
        version, changes = data["version"] or 0, {"name": data["name"], "colour": data["colour"]}
        if self.instance._state.adding:
            return projects_labels.create(actor=self.actor, ref=str(data["project"].pk), **changes)
        return projects_labels.update(
            actor=self.actor, label_id=self.instance.pk, changes=changes, versions=frozenset({version})
        )


class TaskForm(ServiceForm):
    """A task with its assignees by email address, labels by name and parent by key."""

    title = TitleField(max_length=500)
    status = forms.ChoiceField(required=False)
    parent = forms.CharField(required=False, max_length=40, help_text="A key, like OPS-42.")
    assignees = forms.CharField(required=False, help_text="Email addresses, separated by commas.")
    labels = forms.CharField(required=False, help_text="Names, separated by commas; quote one that holds a comma.")
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    class Meta:
        model = Task
        fields = ["project", *WRITABLE_FIELDS, "status", "version"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance._state.adding:
            return
        task: Task = self.instance
        states = projects_selectors.list_states(task.project)
        self.fields["status"].choices = [(state.slug, state.name) for state in states]
        people = task.assignees.order_by("email").values_list("email", flat=True)
        names = task.labels.order_by("name").values_list("name", flat=True)
        parent = task.parent.key if task.parent else ""
        self.initial.update(
            status=task.state.slug, parent=parent, assignees=", ".join(people), labels=join_names(names)
        )

    def write(self, data: dict[str, Any]) -> Task:
        emails = {normalize_email(email) for email in data["assignees"].split(",") if email.strip()}
        user_ids = dict(User.objects.filter(email__in=emails).values_list("email", "pk"))
        if missing := emails - set(user_ids):
            raise Invalid.field("assignees", f"No user has the address {', '.join(sorted(missing))}.", "does_not_exist")
        try:
            parent = items_selectors.get_task(self.actor, data["parent"]) if data["parent"] else None
        except NotFound as error:
            raise Invalid.field("parent", error.detail, "does_not_exist") from error
        changes = {name: data[name] for name in WRITABLE_FIELDS}
        changes["assignees"] = sorted(user_ids.values())
        changes["labels"] = split_names(data["labels"])
        changes["parent"] = parent.pk if parent else None
        now = current_time()
        if self.instance._state.adding:
            draft = drafts.TaskDraft(**changes)
            return items.create(actor=self.actor, project_ref=str(data["project"].pk), draft=draft, now=now)
        changes["status"] = data["status"]
        # No row has version 0: a form without the version is a conflict.
        versions = frozenset({data["version"] or 0})
        return items.update(actor=self.actor, ref=str(self.instance.pk), changes=changes, now=now, versions=versions)
