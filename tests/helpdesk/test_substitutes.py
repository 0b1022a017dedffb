"""The tables behind the deputies: which absence, which deputy, in how many queries."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from helpdesk.models import Absence, AbsenceDeputy, AgentSettings, Queue, QueueRight, Right
from helpdesk.rules.substitution import Standing
from helpdesk.substitutes import Substitutes
from tests import factories as f

pytestmark = pytest.mark.django_db


@pytest.fixture
def queue():
    return f.QueueFactory()


@pytest.fixture
def people(queue):
    return [f.make_agent(queue, first_name=name) for name in ("Amsel", "Fink", "Meise")]


def test_an_agent_who_is_there_stands_for_themselves(queue, people):
    f.make_absence(people[0], start=timedelta(days=1), end=timedelta(days=2), deputy=people[1])
    f.make_absence(people[0], start=-timedelta(days=2), end=-timedelta(days=1), deputy=people[2])
    assert Substitutes().standing(people[0].pk, queue) == Standing(people[0].pk)


def test_chain_of_deputies_leads_to_who_is_there(queue, people):
    amsel, fink, meise = people
    f.make_absence(amsel, deputy=fink)
    f.make_absence(fink, deputy=meise)
    assert Substitutes().standing(amsel.pk, queue) == Standing(meise.pk, (amsel.pk, fink.pk))


def test_two_who_are_away_and_stand_in_for_each_other_leave_it_to_the_team(queue, people):
    amsel, fink, _meise = people
    f.make_absence(amsel, deputy=fink)
    f.make_absence(fink, deputy=amsel)
    assert Substitutes().standing(amsel.pk, queue).person is None
    assert Substitutes().standing(fink.pk, queue).person is None


def test_end_is_just_before_and_start_is_included(queue, people):
    absence = f.make_absence(people[0], deputy=people[1])
    assert Substitutes(absence.starts_at).is_away(people[0].pk)
    assert not Substitutes(absence.starts_at - timedelta(seconds=1)).is_away(people[0].pk)
    assert not Substitutes(absence.ends_at).is_away(people[0].pk)


def test_deputy_of_the_nearest_queue_upwards_goes_before_the_one_for_all(queue, people):
    amsel, fink, meise = people
    below = f.QueueFactory(parent=f.QueueFactory(parent=queue))
    absence = f.make_absence(amsel, deputy=fink)
    AbsenceDeputy.objects.create(absence=absence, queue=queue, deputy=meise)
    assert Substitutes().standing(amsel.pk, below).person == meise.pk
    AbsenceDeputy.objects.create(absence=absence, queue=below, deputy=fink)
    assert Substitutes().standing(amsel.pk, below).person == fink.pk
    elsewhere = f.QueueFactory()
    assert Substitutes().deputy_of(amsel.pk, elsewhere) == fink.pk


@pytest.mark.parametrize("reason", ["no right", "not active"])
def test_a_deputy_who_may_not_own_there_leaves_it_to_the_team(queue, people, reason):
    amsel, fink, _meise = people
    f.make_absence(amsel, deputy=fink)
    if reason == "no right":
        QueueRight.objects.filter(group__user=fink, right=Right.OWN).delete()
    else:
        type(fink).objects.filter(pk=fink.pk).update(is_active=False)
    assert Substitutes().standing(amsel.pk, queue) == Standing(None, (amsel.pk,))


def test_days_off_count_only_where_they_shall(queue, people):
    today = timezone.localdate().weekday()
    AgentSettings.objects.create(user=people[0], free_days=[today])
    assert not Substitutes().is_away(people[0].pk)
    assert Substitutes(part_time=True).is_away(people[0].pk)
    assert Substitutes(part_time=True).standing(people[0].pk, queue).person is None


def test_any_number_of_absent_people_takes_as_many_queries(queue, django_assert_num_queries):
    for number in range(30):
        away, deputy = f.make_agent(queue), f.make_agent(queue)
        absence = f.make_absence(away, deputy=deputy)
        AbsenceDeputy.objects.create(
            absence=absence, queue=f.QueueFactory(parent=queue), deputy=deputy
        )
        if number in (1, 29):
            who = Substitutes()
            row = Queue.objects.get(pk=queue.pk)
            with django_assert_num_queries(6):
                found = [who.standing(pk, row).person for pk in who.absences]
            assert None not in found
            assert len(set(found)) == number + 1


@given(st.dictionaries(st.integers(0, 3), st.integers(0, 3), max_size=4), st.integers(0, 3))
def test_whom_one_stands_in_for_is_whose_chain_ends_there(deputies, me):
    Absence.objects.all().delete()
    queue = f.QueueFactory()
    people = [f.make_agent(queue) for _number in range(4)]
    for absent, deputy in deputies.items():
        if absent != deputy:
            f.make_absence(people[absent], deputy=people[deputy])
    who = Substitutes()
    expected = {
        person.pk: [queue.pk]
        for person in people
        if who.is_away(person.pk) and who.standing(person.pk, queue).person == people[me].pk
    }
    assert Substitutes().stood_in_for(people[me].pk, [queue.pk]) == expected
