"""The pages about the library, made by pdoc: ``python -m docs.pages FOLDER``; script/docs sets up what that needs."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from inspect import Parameter
from pathlib import Path
from typing import Any, get_args, get_type_hints

from pdoc import render
from pdoc.doc import Doc, Function, Module, Namespace, Variable

from voice import VERSION
from voice.config import Config, Option

PUBLIC = ("assistant", "effects", "events", "config", "status", "usage", "tool", "errors")
"""Modules of `voice` that other programs may rely on, the most wanted first."""
_COLONS = re.compile(r"(?<=\S):(?=:$)|^::$", re.MULTILINE)
"""Which of those that announce an example in our docstrings are too many: pdoc knows one by its indentation."""


def write(folder: Path) -> None:
    """Write a page for each module, an index, and what the search needs."""
    modules = {f"voice.{name}": Module(importlib.import_module(f"voice.{name}")) for name in PUBLIC}
    for module in modules.values():
        for part in _parts(module):
            part.docstring = _COLONS.sub("", part.docstring)
    _explain_settings(modules["voice.config"])
    render.configure(docformat="google", show_source=False, footer_text=f"realtime {VERSION}")
    pages = {f"{name.replace('.', '/')}.html": render.html_module(module, modules) for name, module in modules.items()}
    pages |= {"index.html": render.html_index(modules), "search.js": render.search_index(modules)}
    for name, page in pages.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(page, encoding="utf-8")


def _parts(part: Doc[Any]) -> Iterator[Doc[Any]]:
    yield part
    for member in part.own_members if isinstance(part, Namespace) else ():
        yield from _parts(member)


def _explain_settings(module: Module) -> None:
    """Show each setting's type and what ``--help`` says of it, instead of how it is checked."""
    kinds = get_type_hints(Config)
    for name, hint in get_type_hints(Config, include_extras=True).items():
        setting = module.get(f"Config.{name}")
        if isinstance(setting, Variable):
            setting.annotation = kinds[name]
            setting.docstring = next(extra.help for extra in get_args(hint) if isinstance(extra, Option))
    made = module.get("Config.__init__")
    if isinstance(made, Function):
        taken = made.signature.parameters.values()
        plain = [each.replace(annotation=kinds.get(each.name, Parameter.empty)) for each in taken]
        made.signature = made.signature.replace(parameters=plain)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
