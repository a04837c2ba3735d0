"""Shopping and other lists, kept in a file; what cannot be undone is asked about first.

    python realtime.py --tools examples/lists.py

"Put milk and eggs on the shopping list." "What is on it?" "I have the milk." "Clear the shopping list." - "Shall I
really clear the shopping list?" - "Yes."

The lists are in the file lists.json, in the folder that the environment names as DATA_DIR, or else beside this file.
"""

from __future__ import annotations

import json
import os
import threading
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

from pydantic import Field

from voice.tool import ToolError, confirm

FILE = Path(os.environ.get("DATA_DIR") or Path(__file__).parent).expanduser() / "lists.json"
MAX_ITEMS = 200
"""On one list; nobody listens to more."""

ListName = Annotated[str, Field(min_length=1, max_length=60, description='Name of the list, such as "shopping"')]
Items = Annotated[list[str], Field(min_length=1, description="The things, each as it is said")]

_lock = threading.Lock()  # from the reading of the file to its writing


def add_to_list(items: Items, list_name: ListName = "shopping") -> str:
    """Put things on a list; the list is made when there is none of that name."""
    with _lock:
        lists = _read()
        listed = lists.setdefault(_key(list_name), [])
        new = [item for item in _cleaned(items) if item.casefold() not in map(str.casefold, listed)]
        if len(listed) + len(new) > MAX_ITEMS:
            raise ToolError(f"The {list_name} list is full: it has {len(listed)} things.")
        listed += new
        _write(lists)
    return f"Added {', '.join(new)}; {_count(listed)}." if new else f"That is on the list already; {_count(listed)}."


def read_list(list_name: ListName = "shopping") -> str:
    """Tell what is on a list."""
    with _lock:
        listed = _find(_read(), list_name)
    return f"On the {list_name} list: {', '.join(listed)}." if listed else f"The {list_name} list is empty."


def name_lists() -> str:
    """Tell which lists there are and how long they are."""
    with _lock:
        lists = _read()
    return "; ".join(f"{name}: {_count(listed)}" for name, listed in lists.items()) or "There are no lists."


def take_off_list(item: str, list_name: ListName = "shopping") -> str:
    """Take one thing off a list, as it has been bought or done."""
    with _lock:
        lists = _read()
        listed = _find(lists, list_name)
        found = get_close_matches(item.casefold(), [each.casefold() for each in listed], n=1)
        if not found:
            raise ToolError(f"There is no {item} on the {list_name} list: {', '.join(listed) or 'it is empty'}.")
        taken = next(each for each in listed if each.casefold() == found[0])
        listed.remove(taken)
        _write(lists)
    return f"Took {taken} off; {_count(listed)}."


@confirm("Shall I really delete the {list_name} list with all that is on it?")
def delete_list(list_name: ListName) -> str:
    """Delete a list and all that is on it."""
    with _lock:
        lists = _read()
        listed = _find(lists, list_name)
        del lists[_key(list_name)]
        _write(lists)
    return f"Deleted the {list_name} list, on which there was: {', '.join(listed) or 'nothing'}."


def _key(list_name: str) -> str:
    """The name by which a list is kept: "Shopping list" is "shopping"."""
    return " ".join(list_name.casefold().split()).removesuffix(" list") or "list"


def _cleaned(items: list[str]) -> list[str]:
    return list(dict.fromkeys(text for item in items if (text := " ".join(item.split()))))


def _count(listed: list[str]) -> str:
    return "1 thing" if len(listed) == 1 else f"{len(listed)} things"


def _find(lists: dict[str, list[str]], list_name: str) -> list[str]:
    if _key(list_name) not in lists:
        raise ToolError(f"There is no {list_name} list. There are: {', '.join(lists) or 'none'}.")
    return lists[_key(list_name)]


def _read() -> dict[str, list[str]]:
    try:
        found = json.loads(FILE.read_text(encoding="utf-8"))
        return {str(name): [str(item) for item in listed] for name, listed in found.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise ToolError(f"The file of the lists, {FILE}, cannot be read: {error}.") from error


def _write(lists: dict[str, list[str]]) -> None:
    """Replace the file whole, so that it is never half written."""
    new = FILE.with_suffix(".new")
    try:
        FILE.parent.mkdir(parents=True, exist_ok=True)
        new.write_text(json.dumps(lists, indent=2, ensure_ascii=False), encoding="utf-8")
        new.replace(FILE)
    except OSError as error:
        raise ToolError(f"The file of the lists, {FILE}, cannot be written: {error.strerror}.") from error
