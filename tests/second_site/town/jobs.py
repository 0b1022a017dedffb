"""What the town's worker does beside the help desk's own jobs."""

from __future__ import annotations

import logging
from datetime import timedelta

from helpdesk.models import Ticket
from helpdesk.worker import Job


def count_unassigned():
    unassigned = Ticket.objects.filter(owner=None, closed_at=None)
    logging.getLogger("town").warning("%d tickets have no owner", unassigned.count())


unassigned = Job("town.unassigned", timedelta(hours=1), count_unassigned)
