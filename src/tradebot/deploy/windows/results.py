"""What the Task Scheduler's numbers mean: its own, those of Windows, and the bot's exit codes."""

from __future__ import annotations

from tradebot.errors import ExitCode

_FROM_WIN32 = 0x80070000
_SCHEDULER = {
    0x41300: "ready for its next start",
    0x41301: "running now",
    0x41302: "disabled",
    0x41303: "has never run yet",
    0x41304: "has no further start",
    0x41305: "lacks something that it needs to start",
    0x41306: "ended by a user or by its time limit",
    0x41307: "has no trigger that can start it",
    0x41308: "waits for an event",
    0x4131B: "registered, but not all of its triggers will start it",
    0x4131C: "registered, but without the right to log on as a batch job it may not start",
    0x41325: "waits in the queue for its start",
    0x8004131F: "not started: the run before it is still running",
    0x80041326: "not started: the task is disabled",
    0x80041315: "not started: the Task Scheduler's service is not running",
    0x80041320: "not started: nobody was logged on",
    0x8004130F: "not started: the account's information is missing; install the schedule again",
    0x80041310: "not started: there is no such account",
    0x800710E0: "not started: a condition of the task did not hold, or nobody was logged on",
    0xC000013A: "ended from outside: Ctrl-C, a closed window, a log-off or a shutdown",
    0xC0000142: "the program could not start in its session",
    0xC0000005: "the program crashed (access violation)",
}
_WIN32 = {
    2: "the program or main.py is not there: was the folder moved?",
    3: "the program's folder is not there",
    5: "access denied: the account may not start the program",
    267: "the working directory is not there",
    1314: "the account lacks a right",
    1326: "the account's password is wrong or has changed",
    1331: "the account is disabled",
    1385: "the account may not log on as a batch job: secpol.msc, Local Policies, User Rights "
    "Assignment",
    1909: "the account is locked",
}
_EXIT = {
    ExitCode.OK: "ran, or skipped with a recorded reason",
    ExitCode.HUNG: "hung and was ended by its own watchdog, or Python itself could not start it",
    ExitCode.UNRESOLVED: "ran and left an order unresolved; the next run looks after it",
    ExitCode.USAGE: "the command line is wrong: install the schedule again",
    ExitCode.UNAVAILABLE: "the broker or all market data was unavailable; the next slot tries",
    ExitCode.SOFTWARE: "a bug: see bot.log",
    ExitCode.IOERR: "log or journal not writable: nothing was sent; see the folders' rights",
    ExitCode.BUSY: "another run held the lock: tradebot schedule lock",
    ExitCode.NOPERM: "the login is lost: tradebot auth login",
    ExitCode.CONFIG: "a setting is wrong: tradebot config check",
    ExitCode.DEADLINE: "the run's own deadline passed",
    ExitCode.TERMINATED: "asked to stop, and did",
}


def explain_result(code: int) -> str:
    """`75: another run held the lock …`; `code` is a task's Last Run Result, signed or not."""
    code &= 0xFFFFFFFF
    if code in _SCHEDULER:
        return f"{code:#x}: {_SCHEDULER[code]}"
    if code & 0xFFFF0000 == _FROM_WIN32:
        # In the history an exit code looks like an error of Windows: 75 is 0x8007004b.
        return _explain_win32(code & 0xFFFF)
    if code in _EXIT:
        return f"{code}: {_EXIT[ExitCode(code)]}"
    return f"{code:#x}: {_WIN32.get(code, 'no exit code of the bot')}"


def _explain_win32(code: int) -> str:
    if code in _WIN32:
        return f"{code + _FROM_WIN32:#x}: {_WIN32[code]}"
    if code in _EXIT:
        return f"{code}: {_EXIT[ExitCode(code)]}"
    return f"{code + _FROM_WIN32:#x}: an error of Windows; `net helpmsg {code}` says which"
