"""What the register says of the tables of apps that the help desk needs: Django, django-mailbox, Wagtail, tasks."""

from __future__ import annotations

from typing import Final

from helpdesk.models import Privacy

from .register import Statement
from .statements import BY_HAND, CASCADE, NOBODY, TIDY, WHILE_USED, WITH_TICKET

CONTENT, PERSON, NONE = str(Privacy.CONTENT), str(Privacy.PERSON), str(Privacy.NONE)
EDITORS: Final = "editors"
WITH_PAGE: Final = "with the page"


def _plain(part: str, why: str, kept: str = WHILE_USED, goes: str = BY_HAND) -> Statement:
    """A table in which nobody is."""
    return Statement(part, NOBODY, why, kept, goes, rest=NONE)


MAIL: Final[dict[str, Statement]] = {
    "django_mailbox.Mailbox": Statement(
        "settings",
        "functional addresses",
        "mailboxes: server, user, folder; no password stands here",
        WHILE_USED,
        BY_HAND,
        {"name": NONE, "uri": NONE, "from_email": NONE},
    ),
    "django_mailbox.Message": Statement(
        "mail",
        "senders, recipients",
        "journal of django-mailbox, for extensions that read it",
        f"as the mail in `helpdesk_inboundmail`: {WITH_TICKET}, or as that of one that made none",
        "`helpdesk/actions/erasing_rows.py: drop_raw`",
        {
            "subject": CONTENT,
            "message_id": NONE,
            "from_header": PERSON,
            "to_header": PERSON,
            "body": CONTENT,
            "eml": CONTENT,
        },
    ),
    "django_mailbox.MessageAttachment": Statement(
        "mail",
        "senders",
        "files, where an extension lets django-mailbox read mail itself; the help desk writes none",
        "with the message",
        "`helpdesk/actions/erasing_rows.py: drop_raw`",
        {"headers": CONTENT, "document": CONTENT},
    ),
}

PLUMBING: Final[dict[str, Statement]] = {
    "django_tasks_database.DBTaskResult": Statement(
        "proof",
        "whoever a task is about, by id",
        "work in the background",
        "14 days after its end; what it was called with: 1 day",
        f"{TIDY}; `helpdesk/privacy/expired_rows.py`, nightly",
        {"args_kwargs": CONTENT, "return_value": CONTENT, "traceback": CONTENT},
        rest=NONE,
    ),
    "sessions.Session": Statement(
        "accounts",
        "whoever is logged in, or uses a link to a request",
        "session of a browser",
        "until one logs out; 14 days at most (docs/operations.md)",
        TIDY,
        {"session_key": PERSON, "session_data": PERSON},
    ),
    "auth.Group": _plain("team", "teams and groups of editors"),
    "auth.Permission": _plain("settings", "what may be permitted", "fixed", "never"),
    "contenttypes.ContentType": _plain("settings", "names of the tables", "fixed", "never"),
    "taggit.Tag": _plain("site", "tags of pictures and documents"),
    "taggit.TaggedItem": _plain("site", "which have a tag"),
}

WAGTAIL: Final[dict[str, Statement]] = {
    "wagtailcore.Page": Statement(
        "site", EDITORS, "pages", "until they are deleted", BY_HAND, rest=NONE
    ),
    "wagtailcore.Revision": Statement(
        "site",
        EDITORS,
        "earlier versions of pages; which form a request was sent by",
        WITH_PAGE,
        f"{CASCADE}; `manage.py purge_revisions`",
        {"content": CONTENT},
        rest=NONE,
    ),
    "wagtailcore.PageLogEntry": Statement(
        "site",
        EDITORS,
        "who changed which page",
        "as long as there is the page, and after that",
        "never",
        rest=NONE,
    ),
    "wagtailcore.ModelLogEntry": Statement(
        "site",
        "editors, administrators",
        "who changed which setting; of what was erased it is deleted too",
        "as long as there is the setting, and after that",
        "`helpdesk/actions/erasing_rows.py: forget_generic`",
        {"label": PERSON, "data": CONTENT},
        rest=NONE,
    ),
    "wagtailcore.ReferenceIndex": _plain(
        "site", "what a page or a ticket points to", "with either end", "Wagtail; `forget_generic`"
    ),
    "wagtailcore.Comment": Statement(
        "site", EDITORS, "comments on drafts of pages", WITH_PAGE, CASCADE, {"text": CONTENT}, NONE
    ),
    "wagtailcore.CommentReply": Statement(
        "site", EDITORS, "answers to them", "with the comment", CASCADE, {"text": CONTENT}
    ),
    "wagtailcore.PageSubscription": Statement(
        "site", EDITORS, "who hears of comments", WITH_PAGE, CASCADE
    ),
    "wagtailcore.TaskState": Statement(
        "site", EDITORS, "who approved a page", WITH_PAGE, CASCADE, {"comment": CONTENT}, NONE
    ),
    "wagtailcore.WorkflowState": Statement(
        "site", EDITORS, "approval of a page", WITH_PAGE, CASCADE, rest=NONE
    ),
    "wagtailcore.Task": _plain("settings", "steps of approval"),
    "wagtailcore.Workflow": _plain("settings", "ways of approval"),
    "wagtailcore.UploadedFile": Statement(
        "site",
        EDITORS,
        "files that wait for their title",
        "until the editor saves or drops them",
        "Wagtail",
        {"file": CONTENT},
        NONE,
    ),
    "wagtailcore.APIToken": Statement(
        "accounts", EDITORS, "tokens of programs, as digests", WHILE_USED, BY_HAND, rest=NONE
    ),
    "wagtailcore.Collection": _plain("site", "collections of pictures and documents"),
    "wagtailcore.CollectionViewRestriction": _plain("site", "who may see a collection"),
    "wagtailcore.PageViewRestriction": _plain("site", "who may see a page"),
    "wagtailcore.Locale": _plain("settings", "languages"),
    "wagtailcore.Site": _plain("settings", "addresses of the site"),
    "wagtailadmin.EditingSession": Statement(
        "site",
        EDITORS,
        "who is editing a page at the moment",
        "1 hour after the last sign of life, at the next time somebody edits",
        "Wagtail",
        rest=NONE,
    ),
    "wagtailadmin.FormState": Statement(
        "site",
        EDITORS,
        "what a preview shows",
        "until it is stale, at the next preview",
        "Wagtail",
        {"data": CONTENT},
        NONE,
    ),
    "wagtailusers.UserProfile": Statement(
        "accounts",
        "agents, editors",
        "language, time zone and picture in the admin",
        "with the account",
        CASCADE,
        {"avatar": PERSON},
        NONE,
    ),
    "wagtailforms.FormSubmission": Statement(
        "site",
        "nobody",
        "Wagtail's own submissions of forms: empty, for requests are tickets",
        "nothing is written here",
        "–",
        {"form_data": CONTENT},
    ),
    "wagtailsearch.IndexEntry": Statement(
        "site",
        NOBODY,
        "search index of pages, pictures and documents; on SQLite with a second table",
        "with what it is about",
        "Wagtail",
        {"autocomplete": NONE, "title": NONE, "body": NONE},
        fixed=("object_id", "autocomplete", "title", "body"),
        rest=NONE,
    ),
    "wagtailembeds.Embed": _plain("site", "videos on pages", "until `manage.py purge_embeds`"),
    "wagtailredirects.Redirect": _plain("site", "old addresses of pages"),
    "wagtailimages.Image": _plain("site", "pictures of a site without a table of its own"),
    "wagtailimages.Rendition": _plain("site", "sizes of them"),
    "wagtaildocs.Document": _plain("site", "documents of a site without a table of its own"),
}

OTHERS: Final[dict[str, Statement]] = {**MAIL, **PLUMBING, **WAGTAIL}
