"""Keys of form fields and choices: given once, and never derived from a label.

A key is a function of the block's id, which the editor's browser draws when the block is added and
keeps through autosave, saving, copying, aliasing and translating. So the same block gets the same
key whenever and wherever it is first stored, and a later change of its label changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any
from uuid import uuid4


def key_for(block_id: str) -> str:
    """Return the key of a block with this id: a letter and ten hexadecimal digits."""
    return "f" + hashlib.sha256(block_id.encode()).hexdigest()[:10]


def give_keys(children: Iterable[Any], name: str = "key") -> None:
    """Give each child (of a stream or list, with `id` and a struct as `value`) its key.

    A child that was duplicated in the editor carries the key of its original; where the original
    can be told (its key belongs to its id) the copy gets a key of its own.
    """
    children = [child for child in children if name in child.value]
    owned = set()
    for child in children:
        child.id = child.id or str(uuid4())
        if child.value[name] in (None, "", key_for(child.id)):
            child.value[name] = key_for(child.id)
            owned.add(child.value[name])
    for child in children:
        if child.value[name] in owned and child.value[name] != key_for(child.id):
            child.value[name] = key_for(child.id)


def doubles(children: Iterable[Any], name: str = "key") -> list[int]:
    """Return the places of the children whose key an earlier child has."""
    seen: set[str] = set()
    places = []
    for place, child in enumerate(children):
        key = child.value.get(name) if isinstance(child.value, dict) else None
        if key and key in seen:
            places.append(place)
        seen.add(key or "")
    return places
