"""Stories of the confidential queue *Psychosoziale Beratung*."""

from __future__ import annotations

from .acts import Mail
from .acts_agents import Answer, Claim, Note
from .play import story

COUNSELLING_STORIES = (
    story(
        "exam-nerves",
        Mail(
            "6 21:40",
            "kranich",
            "Guten Abend,\n\nvor Prüfungen schlafe ich seit Wochen kaum. Kann ich mit jemandem sprechen?\n\nKlara Kranich",
            subject="Gespräch vor der Prüfung",
            to=("sprechstunde@desk.example",),
        ),
        Claim("5 09:05", "pirol"),
        Answer(
            "5 09:15",
            "pirol",
            "Guten Tag Frau Kranich,\n\nja, gern. Am Donnerstag um 14 Uhr ist ein Platz frei. Was wir besprechen, bleibt unter uns.",
            state="waiting",
            wait=6,
        ),
    ),
    story(
        "new-in-town",
        Mail(
            "2 17:20",
            "gull",
            "Hello,\n\nI moved here a month ago and feel rather alone. Is there a group I could join?\n\nGeorge Gull",
            subject="New in town",
            to=("counselling@desk.example",),
        ),
        Note("1 10:30", "star", "The open group on Tuesdays would suit. Paul, do you take it?"),
    ),
)
