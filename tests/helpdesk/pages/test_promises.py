from __future__ import annotations

import pytest

from helpdesk.models import Promise
from tests import factories as f
from tests import page_factories as p

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("of_form", "of_service", "of_queue", "expected"),
    [
        (None, None, None, None),
        (None, None, "Queue", "Queue"),
        (None, "Service", "Queue", "Service"),
        ("Form", "Service", "Queue", "Form"),
        ("Form", None, None, "Form"),
    ],
)
def test_a_form_promises_what_it_says_else_its_service_else_its_queue(
    of_form, of_service, of_queue, expected
):
    made = {name: Promise.objects.create(name=name) for name in ("Form", "Service", "Queue")}
    tree = p.make_site()
    queue = f.QueueFactory(promise=made.get(of_queue))
    service = p.make_service(tree.services, promise=made.get(of_service))
    form = p.make_form(service, queue=queue, promise=made.get(of_form))
    ticket = f.make_ticket(queue, terms=form.terms())
    assert (ticket.promise.name if ticket.promise else None) == expected
