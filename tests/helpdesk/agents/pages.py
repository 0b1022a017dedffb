"""A page as a browser without script sees it: what its form sends."""

from __future__ import annotations

from typing import Any

from bs4 import BeautifulSoup
from django.http import QueryDict


def fields_of(html: str) -> dict[str, list[str]]:
    """Return what a browser sends for the controls of a page, its buttons apart."""
    found: dict[str, list[str]] = {}
    for control in BeautifulSoup(html, "html.parser").find_all(["input", "select", "textarea"]):
        for value in _values(control):
            found.setdefault(str(control["name"]), []).append(value)
    return found


def _values(control: Any) -> list[str]:
    if control.name == "select":
        options = control.find_all("option")
        chosen = [one for one in options if one.has_attr("selected")]
        return [str(one["value"]) for one in chosen or options[:1]]
    if control.name == "textarea":
        text = control.get_text().removeprefix("\n").replace("\r\n", "\n")
        return [text.replace("\n", "\r\n")]
    if control.get("type") in ("checkbox", "radio"):
        return [str(control.get("value", "on"))] if control.has_attr("checked") else []
    if control.get("type") in ("submit", "search"):
        return []
    return [str(control.get("value", "")).replace("\n", "").replace("\r", "")]


def sent(html: str) -> QueryDict:
    """Return the same as a request has it."""
    data = QueryDict(mutable=True)
    for name, values in fields_of(html).items():
        data.setlist(name, values)
    return data
