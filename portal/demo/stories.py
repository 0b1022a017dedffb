"""All stories of the demo: some forty requests, and two mails that never became one."""

from __future__ import annotations

from .ordering import ORDER_STORIES
from .stories_counselling import COUNSELLING_STORIES
from .stories_faults import FAULT_STORIES
from .stories_mail import MAIL_STORIES
from .stories_network import NETWORK_STORIES
from .stories_office import OFFICE_STORIES
from .stories_support import SUPPORT_STORIES

STORIES = (
    *FAULT_STORIES,
    *NETWORK_STORIES,
    *SUPPORT_STORIES,
    *OFFICE_STORIES,
    *COUNSELLING_STORIES,
    *ORDER_STORIES,
    *MAIL_STORIES,
)
