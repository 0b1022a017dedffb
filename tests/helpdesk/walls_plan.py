"""What may be arranged in the small world of `walls_world`: how many of everything, and all that chance decides."""

from __future__ import annotations

from hypothesis import strategies as st

from helpdesk.models import AgentNames, Channel, Right
from helpdesk.states import StateType

QUEUES, GROUPS, USERS, PEOPLE, ORGANISATIONS = 4, 2, 3, 3, 2

_some_queues = st.sets(st.integers(0, QUEUES - 1), max_size=2)
_some_people = st.sets(st.integers(0, PEOPLE - 1), max_size=2)
_nobody_or_person = st.sampled_from([None, *range(PEOPLE)])
_no_or_organisation = st.sampled_from([None, *range(ORGANISATIONS)])

#: One arrangement of everything.
arrangements = st.fixed_dictionaries(
    {
        # parents come before their children, so there is no cycle
        "parents": st.tuples(
            *(
                st.sampled_from([None, *range(index)]) if index else st.none()
                for index in range(QUEUES)
            )
        ),
        "confidential": _some_queues,
        # whether customers read the names of agents; empty: as above
        "names": st.tuples(*(st.sampled_from(["", *AgentNames]) for _ in range(QUEUES))),
        # the queues of tickets that are not there any more
        "erased": st.lists(st.integers(0, QUEUES - 1), max_size=2),
        "rights": st.sets(
            st.tuples(
                st.integers(0, GROUPS - 1), st.integers(0, QUEUES - 1), st.sampled_from(list(Right))
            ),
            max_size=6,
        ),
        "users": st.tuples(
            *(
                st.fixed_dictionaries(
                    {
                        "groups": st.sets(st.integers(0, GROUPS - 1)),
                        "is_active": st.sampled_from([True, True, True, False]),
                        "is_superuser": st.sampled_from([False, False, False, True]),
                    }
                )
                for _ in range(USERS)
            )
        ),
        # whether each person's address is verified, and to which organisation they belong
        "verified": st.tuples(*(st.booleans() for _ in range(PEOPLE))),
        "belongs": st.tuples(*(_no_or_organisation for _ in range(PEOPLE))),
        "active": st.tuples(*(st.sampled_from([True, True, False]) for _ in range(ORGANISATIONS))),
        "tickets": st.lists(
            st.fixed_dictionaries(
                {
                    "queue": st.integers(0, QUEUES - 1),
                    "state": st.sampled_from(list(StateType)),
                    "channel": st.sampled_from([Channel.EMAIL, Channel.WEB]),
                    "customer": _nobody_or_person,
                    # whose address it came from: it need not be the customer's own
                    "contact": _nobody_or_person,
                    "is_test": st.sampled_from([False, False, False, True]),
                    "organisation": _no_or_organisation,
                    "informed": _some_queues,
                    "invited": _some_people,
                    "copied": _some_people,
                    "merged": st.booleans(),
                    "is_held": st.sampled_from([False, False, True]),
                    # in how many days it may be erased
                    "ends": st.sampled_from([None, None, 3, 20, 60]),
                }
            ),
            min_size=1,
            max_size=5,
        ),
    }
)  # fmt: skip
