"""The page about the comparison, with when, where and with what it was made."""

from __future__ import annotations

import os
import platform
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from benchmarks.peers import bars, table
from benchmarks.peers.programs import CONTESTANTS

PAGE = """\
# Side by side

This program and others that do the same, on one machine, against one scripted service on loopback, with a virtual sound
card; in turns, {runs} times each. Each cell is the median and, in brackets, the worst. In `benchmarks/peers/`,
`compare.py` says how it is measured, `table.py` what each line is, and `scripts/` holds the other programs. Again:

```sh
script/bench --runs {runs} --write docs
```

{table}

* *Start* is from the start of the process; all have been started before. *Interruption to silence* is from the
  service's `speech_started`, sent as soon as the user is heard, to the last sample in the air; *never* is longer than
  1.5 s. *Answer complete*: the service has sent all of it, and seconds of it are still to be played.
* *Truncation error* is what the service is told of the part that was heard, against what was in the air; *none*: it is
  told nothing, and takes it that everything was heard.
* *Breaks*: an answer that comes at the pace of speech, in deliveries 50 to 300 ms apart.
* *Processor* is in % of a core, *memory* what is resident; both with all processes that a program starts.
* *Echo*: the microphone hears the loudspeaker through a room, as loud as the user; first the assistant talks for 25 s
  alone, then both for 20 s. *Removed* is against the user's voice, which some programs amplify. *Kept* is the share of
  the user's voiced sounds that arrive within 10 dB.
* *us / best peer*: medians, ours as the program comes; where no echo canceller is compared, ours without it.

{pictures}

Measured on {date}: {processor}, {cores} cores, {system}, Linux {kernel}, Python {python}.
With {versions}.
{failures}
"""


def about(runs: int) -> dict[str, Any]:
    """When, where, with what."""
    return {
        "date": datetime.now(timezone.utc).date().isoformat(),
        "runs": runs,
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": platform.freedesktop_os_release().get("PRETTY_NAME", "Linux"),
        "kernel": ".".join(platform.release().split(".")[:2]),
        "python": platform.python_version(),
        "versions": sorted({contestant.version for contestant in CONTESTANTS if contestant.peer}),
    }


def page(report: dict[str, Any]) -> str:
    """The whole page, in Markdown."""
    figures = report["figures"]
    pictures = "\n\n".join(f"![{picture.title}]({picture.file})" for picture in bars.PICTURES)
    versions = ", ".join(f"`{version}`" for version in report["versions"])
    failures = "".join(f"\n* Failed: {failure}" for failure in report["failures"])
    made = {"table": table.markdown(figures), "pictures": pictures, "versions": versions, "failures": failures}
    return PAGE.format(**report | made).rstrip() + "\n"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()
