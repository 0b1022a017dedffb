"""Who may do what: the one policy.

An `Actor` is whoever acts: an agent (a user with rights on queues through groups), a customer, somebody who
proved to read one mail address, the bearer of a signed link to one ticket, or the machine (`SYSTEM`). Every list of tickets starts from
`visible_tickets(actor)`, every verb asks `require`. A refusal looks like absence.
"""

from .actors import (
    SYSTEM,
    Actor,
    agent,
    agents,
    customer,
    guest,
    invited,
    link_bearer,
    rights_below,
    upwards,
)
from .deciding import (
    CUSTOMER_RIGHTS,
    REPLY,
    administered,
    can,
    may_decide,
    may_grant,
    may_merge_customers,
    may_take_back,
    require,
)
from .people import agents_with, groups_with, is_agent, looked_after, may_look_after, teammates
from .seeing import (
    hidden_articles,
    own_tickets,
    reads_along,
    share_customer,
    visible_articles,
    visible_notices,
    visible_tickets,
)

__all__ = [
    "Actor",
    "CUSTOMER_RIGHTS",
    "REPLY",
    "SYSTEM",
    "administered",
    "agent",
    "agents",
    "agents_with",
    "can",
    "customer",
    "groups_with",
    "guest",
    "hidden_articles",
    "invited",
    "is_agent",
    "link_bearer",
    "looked_after",
    "may_decide",
    "may_grant",
    "may_look_after",
    "may_merge_customers",
    "may_take_back",
    "own_tickets",
    "reads_along",
    "require",
    "rights_below",
    "share_customer",
    "teammates",
    "upwards",
    "visible_articles",
    "visible_notices",
    "visible_tickets",
]
