"""The verbs: the only writers of tickets.

Each takes keywords, `actor` first; locks the ticket's row, asks the policy, changes, records, tells,
and returns what it made. Fronts, mail and commands call these and nothing below them.
"""

from .absence import (
    AbsencePlan,
    begin_absences,
    change_absence,
    end_absence,
    enter_absence,
    may_read_reason,
    open_tickets_of,
)
from .addresses import (
    CLAIM_HOLDS,
    MAX_ADDRESSES,
    choose_main_address,
    claim_address,
    claim_token,
    confirm_address,
    drop_claim,
    read_claim,
    remove_address,
)
from .agent_settings import renew_feed_key, set_free_days
from .approving import approve_order
from .assignment import (
    assign,
    claim,
    hand_back,
    link,
    move,
    rename,
    set_customer,
    set_priority,
    set_responsible,
    set_type,
)
from .base import default_priority, default_state, hold_tickets, one_transaction
from .belonging import set_organisation
from .customers import (
    customer_for_address,
    customer_for_user,
    find_customer,
    read_ahead_customers,
    verify_address,
)
from .discarding import discard_test
from .drafts import FORGED, Draft, Upload
from .erasing import anonymise, erase, erase_files, erase_persons
from .granting import change_rights
from .holds import end_holds, extend_hold, lift_hold, place_hold
from .informing import end_reading_along, inform_queue
from .joining import customer_for_person, follow_merged, merge_customers
from .lifecycle import change_state, close_request
from .linking import dismiss_hint, unlink
from .merging import REVERSIBLE, merge, merge_all, reversible_until, unmerge
from .messages import add_note, answer, forward, log_call
from .objecting import joined_from, object_to_storage, withdraw_objection
from .opening import STARTS, Opened, Origin, open_by_phone, open_ticket
from .order_checks import look_up, rules_of, taken_by
from .order_plan import in_the_way, plan_of
from .order_team import choosable_teams
from .ordering import Wanted, change_order, place_order, refuse_order, rows_of
from .person_rows import correct_person
from .plan_steps import Standing, Step
from .private_words import private_words
from .proving import note_code
from .reading import mark_seen
from .receiving import accept_sender, receive_message
from .separating import make_own_ticket, split
from .sharing import (
    MAX_INVITED,
    invite,
    remove_participant,
    send_link,
    share,
    withdraw_links,
)
from .shortening import shorten_terms
from .site_side import PlannedPage, SiteSide
from .spam import SPAM_TAG, is_spam, junk_queue, mark_spam, not_spam, note_spam, sender_of
from .tags import few_tags, set_tags, tags_of
from .taking_back import take_back
from .terms import apply_terms, frozen_terms, in_words, terms_of
from .watching import mark_read, named, unwatch, watch

__all__ = [
    "change_rights",
    "CLAIM_HOLDS",
    "MAX_ADDRESSES",
    "choose_main_address",
    "claim_address",
    "claim_token",
    "confirm_address",
    "correct_person",
    "customer_for_person",
    "drop_claim",
    "follow_merged",
    "merge_customers",
    "read_claim",
    "remove_address",
    "MAX_INVITED",
    "invite",
    "remove_participant",
    "send_link",
    "share",
    "shorten_terms",
    "withdraw_links",
    "dismiss_hint",
    "unlink",
    "split",
    "unmerge",
    "reversible_until",
    "merge_all",
    "merge",
    "REVERSIBLE",
    "SPAM_TAG",
    "STARTS",
    "AbsencePlan",
    "anonymise",
    "erase",
    "erase_files",
    "erase_persons",
    "PlannedPage",
    "SiteSide",
    "Standing",
    "Step",
    "Wanted",
    "approve_order",
    "change_order",
    "in_the_way",
    "look_up",
    "place_order",
    "choosable_teams",
    "plan_of",
    "refuse_order",
    "rows_of",
    "rules_of",
    "taken_by",
    "FORGED",
    "Draft",
    "Opened",
    "Origin",
    "Upload",
    "accept_sender",
    "add_note",
    "answer",
    "apply_terms",
    "assign",
    "begin_absences",
    "change_absence",
    "change_state",
    "claim",
    "close_request",
    "customer_for_address",
    "customer_for_user",
    "default_priority",
    "default_state",
    "discard_test",
    "end_absence",
    "enter_absence",
    "find_customer",
    "few_tags",
    "forward",
    "hand_back",
    "hold_tickets",
    "inform_queue",
    "is_spam",
    "junk_queue",
    "link",
    "log_call",
    "make_own_ticket",
    "mark_read",
    "mark_seen",
    "mark_spam",
    "may_read_reason",
    "move",
    "named",
    "not_spam",
    "note_code",
    "note_spam",
    "joined_from",
    "object_to_storage",
    "withdraw_objection",
    "one_transaction",
    "open_by_phone",
    "open_ticket",
    "open_tickets_of",
    "receive_message",
    "private_words",
    "read_ahead_customers",
    "rename",
    "renew_feed_key",
    "sender_of",
    "set_customer",
    "set_free_days",
    "set_priority",
    "set_responsible",
    "set_tags",
    "set_organisation",
    "set_type",
    "take_back",
    "tags_of",
    "terms_of",
    "frozen_terms",
    "end_holds",
    "end_reading_along",
    "extend_hold",
    "lift_hold",
    "place_hold",
    "in_words",
    "unwatch",
    "verify_address",
    "watch",
]
