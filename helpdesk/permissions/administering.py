"""Who looks after teams and departments, and who may give which right to whom.

Two rights lead a queue, and neither holds the other. *Manage* is the work's: settings and texts of a queue, the
logs of its mail, the absences of its people. *Administer* is the department's: teams and their members, rights,
queues below, mail accounts, calendars, promises. It reaches no team that the site itself uses for more than
the help desk, and nobody gives a right that they lack.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import Group
from django.db.models import Exists, OuterRef, Q, QuerySet

from helpdesk.models import Department, Queue, QueueRight, Right

from .actors import Actor, upwards

#: The one permission of the admin that a team may have and still be looked after by a department: to enter.
ENTER_ADMIN = ("wagtailadmin", "access_admin")


def is_superuser(actor: Actor) -> bool:
    """Tell whether the actor may do everything."""
    return bool(actor.user is not None and actor.user.is_active and actor.user.is_superuser)


def may_handle_persons(actor: Actor) -> bool:
    """Tell whether the actor deals with the requests of data subjects: superusers, and teams with that permission.

    It is given on the page of a group and reaches over all queues, as such a request does.
    """
    if actor.kind == "system" or is_superuser(actor):
        return True
    user = actor.user
    return actor.kind == "agent" and bool(
        user is not None and user.is_active and user.has_perm("helpdesk.handle_persons")
    )


def administered_departments(actor: Actor) -> QuerySet[Department]:
    """Return the departments that the actor looks after as a whole, by name; superusers: all."""
    if is_superuser(actor):
        return Department.objects.all()
    return Department.objects.filter(queue__in=actor.queues_with(Right.ADMINISTER))


def administered_teams(actor: Actor) -> QuerySet[Group]:
    """Return the teams that the actor sees as an administrator, by name.

    They are those of the departments looked after; superusers see every group.
    """
    teams = Group.objects.order_by("name")
    if is_superuser(actor):
        return teams
    return teams.filter(team__department__in=administered_departments(actor))


def of_the_site() -> Q:
    """The condition for groups that mean more than the help desk's rights: only superusers touch these.

    That is who has rights on pages, pictures or documents, a permission besides that to enter the admin, a
    place in an approval, or a superuser among its members.
    """
    app, codename = ENTER_ADMIN
    through: Any = Group.permissions.through
    more = through.objects.filter(group=OuterRef("pk")).exclude(
        permission__content_type__app_label=app, permission__codename=codename
    )
    mighty = Group.objects.filter(pk=OuterRef("pk"), user__is_superuser=True)
    found = Q(Exists(more)) | Q(Exists(mighty))
    for relation in Group._meta.related_objects:
        if relation.related_model._meta.app_config.name.startswith("wagtail"):
            rows = Group.objects.filter(pk=OuterRef("pk"), **{f"{relation.name}__isnull": False})
            found |= Q(Exists(rows))
    return found


def changeable_teams(actor: Actor) -> frozenset[int]:
    """Return the ids of the teams whose rights and members the actor may change.

    For who is no superuser these are teams of a department looked after, of no use besides the help desk, and
    without any right that the actor lacks: who could join such a team would give themselves that right.
    """
    if actor.kind == "system" or is_superuser(actor):
        return frozenset(Group.objects.values_list("pk", flat=True))
    mine = frozenset(
        administered_teams(actor).exclude(of_the_site()).order_by().values_list("pk", flat=True)
    )
    beyond = {
        group
        for group, queue, right in QueueRight.objects.filter(group__in=mine).values_list(
            "group", "queue", "right"
        )
        if not _may_grant(actor, right, queue)
    }
    return mine - beyond


def may_change_team(actor: Actor, group: Group) -> bool:
    """Tell whether the actor may change rights and members of a team."""
    return group.pk in changeable_teams(actor)


def grantable(actor: Actor) -> dict[int, frozenset[str]]:
    """Return the rights that the actor may give to teams they may change, by queue id. No query of its own."""
    return {
        pk: rights for pk, rights in actor.queue_rights.items() if str(Right.ADMINISTER) in rights
    }


def _may_grant(actor: Actor, right: Right | str, queue_id: int) -> bool:
    return str(right) in grantable(actor).get(queue_id, ())


def may_place(actor: Actor, queue: Queue, above: Queue | None) -> bool:
    """Tell whether the actor may put a queue below another one (None: at the top).

    A place brings the rights of the teams there and loses those of the place before: nobody gains or loses
    in this way what the actor could not have given.
    """
    if actor.kind == "system" or is_superuser(actor):
        return True
    if queue.parent_id == (above.pk if above else None):
        return True
    if above is None or queue.parent_id is None:
        return False
    mine = grantable(actor)
    if not {queue.pk, queue.parent_id, above.pk} <= mine.keys():
        return False
    parents: dict[int, int | None] = dict(Queue.objects.values_list("pk", "parent_id"))
    changed = set(upwards(queue.parent_id, parents)) ^ set(upwards(above.pk, parents))
    rights = set(QueueRight.objects.filter(queue__in=changed).values_list("right", flat=True))
    return rights <= mine[queue.pk]


def may_make_queue(actor: Actor, above: Queue | None) -> bool:
    """Tell whether the actor may make a queue below another one (None: at the top)."""
    if actor.kind == "system" or is_superuser(actor):
        return True
    return above is not None and above.pk in grantable(actor)


def departments_above(queues: Iterable[Queue]) -> QuerySet[Department]:
    """Return the departments to which the first of `queues` belongs; they are a queue and those above it.

    A department within another one belongs to both.
    """
    return Department.objects.filter(queue__in=[queue.pk for queue in queues])


def usable(department: Any, queue: Queue) -> bool:
    """Tell whether what belongs to a department (None: to the whole site) may be used in `queue`."""
    return department is None or department.queue_id in {row.pk for row in queue.lineage()}
