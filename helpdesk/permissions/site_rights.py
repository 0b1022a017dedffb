"""What groups may do on the site besides the help desk, and whether somebody could give it: nobody gives what they lack."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db.models import Q, QuerySet

from .actors import Actor
from .administering import is_superuser


@dataclass(frozen=True)
class SiteRight:
    """A right of a group on the site.

    `kind` is the relation by which it is kept, `permission` an id, 0 for what is none (a place in an approval). `at`
    begins with that of every place above: who has the right there, has it here. It is '' for what holds everywhere.
    """

    kind: str
    permission: int
    at: str = ""


def rights_of(groups: QuerySet[Group]) -> list[tuple[int, SiteRight]]:
    """Return the rights of groups, each with the id of the group. A query for each kind.

    Wagtail's kinds are found by the relations, for nothing here knows Wagtail.
    """
    through: Any = Group.permissions.through
    rows = through.objects.filter(group__in=groups).values_list("group", "permission")
    found = [(pk, SiteRight("permissions", permission)) for pk, permission in rows]
    for relation in Group._meta.related_objects:
        model: Any = relation.related_model
        if model._meta.app_config.name.startswith("wagtail"):
            found += _of_a_kind(groups, relation.name, model)
    return found


def _of_a_kind(groups: QuerySet[Group], kind: str, model: Any) -> list[tuple[int, SiteRight]]:
    rows = groups.filter(**{f"{kind}__isnull": False}).order_by()
    names = {field.name for field in model._meta.fields if field.is_relation}
    if "permission" not in names:
        return [(pk, SiteRight(kind, 0, f"={row}.")) for pk, row in rows.values_list("pk", kind)]
    place = next(iter(names - {"group", "permission"}))
    is_tree = hasattr(model._meta.get_field(place).related_model, "path")
    column = f"{kind}__{place}__path" if is_tree else f"{kind}__{place}"
    given = rows.values_list("pk", f"{kind}__permission", column)
    return [
        (pk, SiteRight(kind, permission, at if is_tree else f"={at}."))
        for pk, permission, at in given
    ]


def held_rights(actor: Actor) -> frozenset[SiteRight]:
    """Return the rights on the site that the actor has. For a superuser it does not say that they have all."""
    user = actor.user
    if user is None or not user.is_active:
        return frozenset()
    own = held_permissions(actor).values_list("pk", flat=True)
    groups = rights_of(Group.objects.filter(user=user))
    return frozenset(right for _group, right in groups) | {
        SiteRight("permissions", pk) for pk in own
    }


def held_permissions(actor: Actor) -> QuerySet[Permission]:
    """Return the permissions of an agent, through groups and their own."""
    return Permission.objects.filter(Q(group__user=actor.user) | Q(user=actor.user)).distinct()


def covers(held: Iterable[SiteRight], right: SiteRight) -> bool:
    """Tell whether who has `held` has the right, too."""
    return any(
        one.kind == right.kind
        and one.permission == right.permission
        and right.at.startswith(one.at)
        for one in held
    )


def beyond(actor: Actor) -> frozenset[int]:
    """Return the ids of the groups that may do something on the site that the actor may not."""
    if is_superuser(actor):
        return frozenset()
    held = held_rights(actor)
    return frozenset(pk for pk, right in rights_of(Group.objects.all()) if not covers(held, right))
