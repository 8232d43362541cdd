"""Changes of a password and removals of MFA methods, which an emailed link can revert."""

from __future__ import annotations

from django.db import models

from accounts.models.users import User


class SecurityChange(models.Model):
    """A change that a "this wasn't me" link reverts. The row is deleted when the link is used.

    `removed_methods` has the removed authenticators, with their secrets encrypted as they were: a user who reverts the
    removal has them again.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="security_changes")
    change = models.CharField(max_length=40, help_text="As in the event `user.security_changed`.")
    removed_methods = models.JSONField(default=list, blank=True)
    changed_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="security_change_expires_later", condition=models.Q(expires_at__gt=models.F("changed_at"))
            )
        ]

    def __str__(self) -> str:
        return f"{self.change} {self.user_id} {self.changed_at:%Y-%m-%d %H:%M}"
