"""A stand-in for the Windows Task Scheduler's programs, where there is no Windows.

`schtasks` keeps what it is given and exports it as Windows does: in UTF-16's name, with a date, an
author and a path of its own, the account as a number, a trigger's elements in its own order and
without what is the default anyway. `powershell` and `wevtutil` say what a test lays out for them.
"""

from __future__ import annotations

import json
import os
import sys
import textwrap
from pathlib import Path

_SCHTASKS = """
import json, pathlib, re, sys
import xml.etree.ElementTree as ET
folder = pathlib.Path({folder!r})
words = sys.argv[1:]
def option(name):
    return words[words.index(name) + 1]
with (folder / "calls").open("a") as calls:
    calls.write(json.dumps(words) + "\\n")
file = folder / (option("/tn").replace("\\\\", "!") + ".xml")
NS = "http://schemas.microsoft.com/windows/2004/02/mit/task"
ET.register_namespace("", NS)
def sub(parent, name, text):
    found = ET.SubElement(parent, "{{%s}}%s" % (NS, name))
    found.text = text
    return found
def name_of(element):
    return element.tag.rpartition("}}")[2]
if (folder / "refuse").exists() and words[0] != "/query":
    sys.exit("ERROR: Access is denied.")
if words[0] == "/create":
    text = pathlib.Path(option("/xml")).read_text("ascii")
    root = ET.fromstring(text)
    info = next(e for e in root if name_of(e) == "RegistrationInfo")
    sub(info, "Date", "2026-01-01T10:00:00.123")
    sub(info, "Author", "WINBOX\\\\admin")
    sub(info, "URI", option("/tn"))
    order = ["Repetition", "StartBoundary", "Enabled", "ScheduleByWeek"]
    for triggers in root:
        if name_of(triggers) == "Triggers":
            for trigger in triggers:
                trigger[:] = sorted(trigger, key=lambda e: order.index(name_of(e)))
        if name_of(triggers) == "Principals":
            for field in list(triggers[0]):
                if name_of(field) == "UserId":
                    (folder / "user").write_text(field.text)
                    field.text = "S-1-5-21-1-2-3-1001"
                if name_of(field) == "RunLevel":
                    triggers[0].remove(field)
        if name_of(triggers) == "Settings":
            idle = sub(triggers, "IdleSettings", None)
            sub(idle, "StopOnIdleEnd", "true")
    body = ET.tostring(root, encoding="unicode")
    file.write_text('<?xml version="1.0" encoding="UTF-16"?>\\n' + body, "utf-8")
    print("SUCCESS: The scheduled task has successfully been created.")
elif not file.exists():
    sys.exit("ERROR: The system cannot find the file specified.")
elif words[0] == "/delete":
    file.unlink()
    print("SUCCESS: The scheduled task was successfully deleted.")
else:
    # The console's code page, whatever the declaration says.
    sys.stdout.buffer.write(b"\\r\\n" + file.read_text("utf-8").encode("cp850"))
"""
_POWERSHELL = """
import base64, pathlib, sys
folder = pathlib.Path({folder!r})
if not (folder / "info").exists():
    sys.exit("Get-ScheduledTask : No MSFT_ScheduledTask objects found")
user = folder / "user"
name = base64.b64encode((user.read_text() if user.exists() else "").encode()).decode()
print((folder / "info").read_text().replace("USER", name))
"""
_WEVTUTIL = """
import pathlib, sys
folder = pathlib.Path({folder!r})
with (folder / "queries").open("a") as file:
    file.write(" ".join(sys.argv[1:]) + "\\n")
if sys.argv[1] == "gl":
    print("name: x\\nenabled:", "false" if (folder / "history-off").exists() else "true")
else:
    name = sys.argv[2].replace("/", "-")
    text = (folder / name).read_text() if (folder / name).exists() else "<Events></Events>"
    sys.stdout.buffer.write(text.encode("utf-16-le"))
"""


class TaskSchedulerStandIn:
    """`folder` holds what it keeps; put `path` in front of PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._bin = folder / "bin"
        self._bin.mkdir(parents=True)
        for name, source in (
            ("schtasks", _SCHTASKS),
            ("powershell", _POWERSHELL),
            ("wevtutil", _WEVTUTIL),
        ):
            program = self._bin / name
            code = textwrap.dedent(source).format(folder=str(folder))
            program.write_text(f"#!{sys.executable} -S\n{code}", encoding="utf-8")
            program.chmod(0o755)

    @property
    def path(self) -> str:
        return f"{self._bin}{os.pathsep}{os.environ['PATH']}"

    def changes(self) -> list[list[str]]:
        """The calls that were not only questions."""
        file = self.folder / "calls"
        lines = file.read_text("utf-8").splitlines() if file.exists() else []
        calls: list[list[str]] = [json.loads(line) for line in lines]
        return [call for call in calls if call[0] != "/query"]

    def registered(self) -> list[str]:
        return sorted(file.stem.replace("!", "\\") for file in self.folder.glob("*.xml"))

    def say(self, **info: object) -> None:
        """What PowerShell is to answer about any task."""
        answer = {
            "state": 3,
            "user": "USER",
            "last_run": None,
            "last_result": 0,
            "next_run": None,
            "missed": 0,
            **info,
        }
        (self.folder / "info").write_text(json.dumps(answer), encoding="utf-8")

    def write_events(self, channel: str, events: str) -> None:
        (self.folder / channel.replace("/", "-")).write_text(events, encoding="utf-8")
