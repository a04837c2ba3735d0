"""A development team that you lead by voice: give it work, ask how it goes.

    python realtime.py --tools examples/team_tools.py

"Tell the developer to start on the login feature." "What is the PM working on?" "The designer is done." "Team status?"

Nobody works here: the team is a list of tasks in the file team.json, in the folder that the environment names as
DATA_DIR, or else beside this file. Replace what `Team` does by calls to your own agents or to your issue tracker.
"""

from __future__ import annotations

import json
import os
import threading
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from voice.tool import ToolError

Role = Literal["developer", "pm", "tester", "designer"]
ROLES: tuple[Role, ...] = ("developer", "pm", "tester", "designer")
MAX_WAITING = 20
"""Tasks that wait for one member; more than that is no longer a plan."""


class Team:
    """The members' tasks, kept in a file. Its public methods are tools: any thread may call them."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()  # from the reading of the file to its writing

    def tell(self, role: Role, task: str) -> str:
        """Give a member of the team a task. They begin it at once, or when they are done with what they have.

        The task is worded as in a list of tasks, such as "start on the login feature".
        """
        task = " ".join(task.split())
        if not task:
            raise ToolError(f"What should the {name(role)} do? Ask the user.")
        with self._lock:
            tasks = self._read()
            mine = tasks[role]
            if len(mine) > MAX_WAITING:
                raise ToolError(f"The {name(role)} has {len(mine)} tasks already. Finish one first.")
            mine.append({"task": task, "since": "" if mine else now()})
            self._write(tasks)
        if len(mine) == 1:
            return f"The {name(role)} begins: {task}."
        return f"The {name(role)} will do that after {len(mine) - 1} other task(s), now: {mine[0]['task']}."

    def finish(self, role: Role) -> str:
        """Note that a member is done with their task; they go on with their next one."""
        with self._lock:
            tasks = self._read()
            mine = tasks[role]
            if not mine:
                raise ToolError(f"The {name(role)} has nothing to finish.")
            done = mine.pop(0)
            if mine:
                mine[0]["since"] = now()
            self._write(tasks)
        return f"Done: {done['task']}. {_status(role, mine)}"

    def status(self, role: Role) -> str:
        """Tell what a member of the team is working on, since when, and what they will do next."""
        with self._lock:
            return _status(role, self._read()[role])

    def team_status(self) -> str:
        """Tell what everybody in the team is working on."""
        with self._lock:
            tasks = self._read()
        return " ".join(_status(role, tasks[role]) for role in ROLES)

    def _read(self) -> dict[str, list[dict[str, str]]]:
        try:
            found: Any = json.loads(self._file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            found = {}
        except (OSError, ValueError) as error:
            raise ToolError(f"The team's file {self._file} cannot be read: {error}.") from error
        try:
            return {
                role: [{"task": str(each["task"]), "since": str(each["since"])} for each in found.get(role, [])]
                for role in ROLES
            }
        except (AttributeError, KeyError, TypeError) as error:
            raise ToolError(f"The team's file {self._file} is not as this program wrote it.") from error

    def _write(self, tasks: dict[str, list[dict[str, str]]]) -> None:
        """Replace the file whole, so that it is never half written."""
        new = self._file.with_suffix(".new")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            new.write_text(json.dumps(tasks, indent=2, ensure_ascii=False), encoding="utf-8")
            new.replace(self._file)
        except OSError as error:
            raise ToolError(f"The team's file {self._file} cannot be written: {error.strerror}.") from error


def name(role: Role) -> str:
    """What a role is called."""
    return "PM" if role == "pm" else role


def now() -> str:
    """The time, as it is kept in the file."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


def _status(role: Role, tasks: list[dict[str, str]]) -> str:
    if not tasks:
        return f"The {name(role)} has nothing to do."
    now_at, *waiting = tasks
    status = f"The {name(role)} has been working for {_age(now_at['since'])} on: {now_at['task']}."
    return f"{status} After that: {'; '.join(each['task'] for each in waiting)}." if waiting else status


def _age(since: str) -> str:
    try:
        minutes = int((datetime.now().astimezone() - datetime.fromisoformat(since)).total_seconds() // 60)
    except (ValueError, TypeError):  # the file was written by somebody else
        return "some time"
    if minutes < 60:  # noqa: PLR2004 - an hour
        return f"{minutes} minute(s)"
    hours = minutes // 60
    return f"{hours} hour(s)" if hours < 24 else f"{hours // 24} day(s)"  # noqa: PLR2004 - a day


team = Team(Path(os.environ.get("DATA_DIR") or Path(__file__).parent).expanduser() / "team.json")
TOOLS = [team.tell, team.finish, team.status, team.team_status]
