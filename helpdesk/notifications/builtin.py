"""The texts of automatic answers where a queue has none of its own, in the active language."""

from __future__ import annotations

from django.utils.translation import gettext as _

from helpdesk.models import AutoResponse

Kind = AutoResponse.Kind


def text(kind: str) -> str:
    """Return the built-in text of one kind of automatic answer, with its variables."""
    opening = {
        Kind.RECEIVED: _received,
        Kind.APPENDED: _appended,
        Kind.REFUSED: _refused,
        Kind.NEW_TICKET: _new_ticket,
    }[Kind(kind)]
    return "\n\n".join(["{{ greeting }}", *opening(), _closing()])


def refusal(words: str) -> str:
    """Return the text with which a mail is refused that becomes no ticket; `words` say why."""
    words = words.strip() or _("we cannot accept your message. It was not passed on to anybody.")
    return "\n\n".join(["{{ greeting }}", words, _closing()])


def _received() -> list[str]:
    return [
        _("we have received your request “{{ subject }}”. It lies with: {{ queue }}."),
        _("Its number is {{ number }}."),
        *_what_follows(),
    ]


def _new_ticket() -> list[str]:
    return [
        _("your message belongs to a request that is closed already: {{ closed_number }}."),
        _(
            "So we have made a new request of it: “{{ subject }}”, number {{ number }}. It lies with: {{ queue }}."
        ),
        *_what_follows(),
    ]


def _appended() -> list[str]:
    return [
        _(
            "we have received your message. It is now part of your request “{{ subject }}”, number {{ number }}."
        ),
        "{{ expected_answer }}",
        _link(),
    ]


def _refused() -> list[str]:
    return [
        _(
            "your request “{{ subject }}”, number {{ number }}, is closed and takes no more messages. We keep your message with it, but nobody will answer it."
        ),
        _(
            "If you still need us, please write a new mail to {{ queue_address }} instead of answering an old one, without the number in its subject."
        ),
    ]


def _what_follows() -> list[str]:
    return [
        "{{ expected_answer }}",
        _link(),
        _("If you have something to add, answer this mail."),
        "{{ retention }}\n{{ objection }}",
    ]


def _link() -> str:
    words = _(
        "Here you can see at any time what happens with your request; whoever has this address can read along, so keep it to yourself:"
    )
    return f"{words}\n{{{{ status_link }}}}"


def _closing() -> str:
    return _("{{ site_name }} wrote this mail automatically.")
