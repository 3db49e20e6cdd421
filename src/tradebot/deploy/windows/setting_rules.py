"""What is wrong with a task's settings, and with who runs it."""

from __future__ import annotations

from collections.abc import Iterator

from tradebot.deploy.model import KILL_MARGIN, Schedule
from tradebot.deploy.rules import Finding, Rule, Severity
from tradebot.deploy.windows.durations import duration_text, seconds_of
from tradebot.deploy.windows.parsed import Task, is_true

DISABLED = Rule(
    "task-disabled",
    Severity.ERROR,
    "Nothing starts, and nothing says so but the list of tasks.",
    "enable it: schtasks /change /tn NAME /enable",
)
OVERLAP = Rule(
    "task-overlap",
    Severity.ERROR,
    "While a run lasts, Parallel starts a second one that ends with 75, Queue starts it late, and "
    "StopExisting kills the run, perhaps with an order on its way.",
    "IgnoreNew; in the window: `Do not start a new instance`",
)
CATCHES_UP = Rule(
    "task-catches-up",
    Severity.WARNING,
    "After sleep or a restart Windows starts the runs it missed, about ten minutes late; the bot "
    "skips them as late or taken, each with a line.",
    "set StartWhenAvailable to false; in the window: untick `Run task as soon as possible after a "
    "scheduled start is missed`",
)
TIME_LIMIT = Rule(
    "task-time-limit",
    Severity.ERROR,
    "Windows kills runs before the bot's own deadline and watchdog have acted: a cycle is cut off "
    "where it stands, and its stacks are never written.",
    "raise ExecutionTimeLimit to the rendered one",
)
NO_TIME_LIMIT = Rule(
    "task-no-time-limit",
    Severity.WARNING,
    "A run that hangs and that even its watchdog cannot end blocks every later one (for three "
    "days, when the limit is left out).",
    "set ExecutionTimeLimit to the rendered one",
)
BATTERY = Rule(
    "task-stops-on-battery",
    Severity.WARNING,
    "On battery no run starts, and one under way is killed when the power goes.",
    "set DisallowStartIfOnBatteries and StopIfGoingOnBatteries to false; both are true when left "
    "out",
)
PRIORITY = Rule(
    "task-priority",
    Severity.WARNING,
    "The bot runs below every ordinary program (7 when it is left out), with slow disk and memory "
    "as well: on a busy machine runs reach their deadline.",
    "set Priority to 5; the window cannot, only the XML",
)
IDLE = Rule(
    "task-waits-for-idle",
    Severity.ERROR,
    "It starts only while nobody uses the machine.",
    "set RunOnlyIfIdle to false",
)
NETWORK = Rule(
    "task-waits-for-network",
    Severity.WARNING,
    "Without a network Windows does not start the run and keeps the reason to itself; the bot "
    "would have logged it and exited 69.",
    "set RunOnlyIfNetworkAvailable to false",
)
NO_KILL = Rule(
    "task-no-hard-kill",
    Severity.WARNING,
    "A run over its time limit is only asked to end, which a hanging one does not hear.",
    "set AllowHardTerminate to true",
)
WAKES = Rule(
    "task-wakes-machine",
    Severity.NOTE,
    "The machine is woken for every run, if its power plan allows wake timers at all.",
    "better let a machine that trades never sleep: powercfg /change standby-timeout-ac 0",
)
RESTARTS = Rule(
    "task-restart-on-failure",
    Severity.NOTE,
    "It does not do what it says: Windows does not look at exit codes, only at programs that "
    "could not be started. The next slot is the second try.",
    "remove RestartOnFailure",
)
LOGGED_ON = Rule(
    "task-only-while-logged-on",
    Severity.WARNING,
    "It runs only while this user is logged on: not after a restart, not after logging off; and a "
    "black window opens for every run.",
    "LogonType S4U; in the window: `Run whether user is logged on or not` with `Do not store "
    "password`",
)
PASSWORD = Rule(
    "task-password",
    Severity.NOTE,
    "Windows keeps the user's password; when it changes, runs fail with 0x8007052E.",
    "LogonType S4U needs none",
)
ELEVATED = Rule(
    "task-elevated",
    Severity.WARNING,
    "The bot runs with an administrator's rights, which it does not need.",
    "RunLevel LeastPrivilege and an ordinary user; in the window: untick `Run with highest "
    "privileges`",
)
NO_USER = Rule(
    "task-no-user",
    Severity.NOTE,
    "The XML names no user; whoever registers it must.",
    "render it with --system --user NAME, or register it with /ru NAME /np",
)
HIGH = Rule(
    "task-priority-high",
    Severity.WARNING,
    "The bot runs above ordinary programs (0 is above Windows itself): one that loops makes the "
    "machine stand still.",
    "set Priority to 5",
)
HIDDEN = Rule(
    "task-hidden",
    Severity.NOTE,
    "The window does not list it, unless hidden tasks are shown: somebody may install it twice.",
    "set Hidden to false",
)
VOLATILE = Rule(
    "task-volatile",
    Severity.ERROR,
    "Windows disables it whenever it starts: after a restart nothing runs.",
    "set Volatile to false",
)
DELETED = Rule(
    "task-deletes-itself",
    Severity.ERROR,
    "Once its triggers have ended Windows deletes the task; without any end it refuses the XML.",
    "remove DeleteExpiredTaskAfter; in the window: untick `If the task is not scheduled to run "
    "again, delete it after`",
)
MAINTENANCE = Rule(
    "task-maintenance",
    Severity.ERROR,
    "Windows starts it with its own maintenance, at night and when nobody uses the machine, not in "
    "its slots.",
    "remove MaintenanceSettings",
)
REMOTE = Rule(
    "task-not-remote",
    Severity.WARNING,
    "It does not start in a session of RemoteApp, and keeps the reason to itself.",
    "set DisallowStartOnRemoteAppSession to false",
)
RULES = (
    *(HIGH, HIDDEN, VOLATILE, DELETED, MAINTENANCE, REMOTE),
    *(DISABLED, OVERLAP, CATCHES_UP, TIME_LIMIT, NO_TIME_LIMIT, BATTERY, PRIORITY, IDLE),
    *(NETWORK, NO_KILL, WAKES, RESTARTS, LOGGED_ON, PASSWORD, ELEVATED, NO_USER),
)
_NOT_AS_WANTED = (
    (DISABLED, "Enabled", "true"),
    (CATCHES_UP, "StartWhenAvailable", "false"),
    (BATTERY, "DisallowStartIfOnBatteries", "false"),
    (BATTERY, "StopIfGoingOnBatteries", "false"),
    (IDLE, "RunOnlyIfIdle", "false"),
    (NETWORK, "RunOnlyIfNetworkAvailable", "false"),
    (NO_KILL, "AllowHardTerminate", "true"),
    (WAKES, "WakeToRun", "false"),
    (HIDDEN, "Hidden", "false"),
    (VOLATILE, "Volatile", "false"),
    (REMOTE, "DisallowStartOnRemoteAppSession", "false"),
)
_BETTER_NOT_THERE = (
    (RESTARTS, "RestartOnFailure"),
    (DELETED, "DeleteExpiredTaskAfter"),
    (MAINTENANCE, "MaintenanceSettings"),
)
_HIGHEST_NORMAL = 4
_LOWEST_NORMAL = 6
_SYSTEM = ("S-1-5-18", "SYSTEM", "NT AUTHORITY\\SYSTEM", "LOCALSYSTEM")
_SERVICES = (*_SYSTEM, "S-1-5-19", "S-1-5-20", "LOCAL SERVICE", "NETWORK SERVICE")


def check_settings(task: Task, schedule: Schedule) -> Iterator[Finding]:
    """Of the task that starts the runs."""
    yield from check_conditions(task)
    yield from _check_limit(task, schedule)


def check_conditions(task: Task) -> Iterator[Finding]:
    """Of any task: whether it is started, and by whom."""
    for rule, name, wanted in _NOT_AS_WANTED:
        if is_true(task.setting(name)) != is_true(wanted):
            yield rule.found(f"{name} is {task.setting(name)}")
    policy = task.setting("MultipleInstancesPolicy")
    if policy != "IgnoreNew":
        yield OVERLAP.found(f"MultipleInstancesPolicy is {policy}")
    priority = task.setting("Priority")
    if len(priority) <= 2 and priority.isdecimal():
        if int(priority) > _LOWEST_NORMAL:
            yield PRIORITY.found(f"Priority is {priority}")
        elif int(priority) < _HIGHEST_NORMAL:
            yield HIGH.found(f"Priority is {priority}")
    for rule, name in _BETTER_NOT_THERE:
        if task.root.find(f"Settings/{name}") is not None:
            yield rule.found(f"{name} is set")
    yield from _check_principal(task)


def _check_limit(task: Task, schedule: Schedule) -> Iterator[Finding]:
    text = task.setting("ExecutionTimeLimit")
    limit = seconds_of(text)
    needed = schedule.kill_after - KILL_MARGIN
    wanted = f"ExecutionTimeLimit {duration_text(schedule.kill_after)}"
    if limit is None:  # a finding of the schema's
        return
    if 0 < limit < needed:
        yield TIME_LIMIT.found(
            f"ExecutionTimeLimit is {text}, and the bot's watchdog acts after {needed:g} s",
            remedy=f"set {wanted}",
        )
    elif limit == 0 or limit > 86400:
        yield NO_TIME_LIMIT.found(f"ExecutionTimeLimit is {text}", remedy=f"set {wanted}")


def _check_principal(task: Task) -> Iterator[Finding]:
    user, logon = task.principal("UserId"), task.principal("LogonType")
    if not user:
        yield NO_USER.found("the XML has no UserId")
    if logon == "Password":
        yield PASSWORD.found("LogonType is Password")
    elif logon != "S4U" and user.upper() not in _SERVICES:
        yield LOGGED_ON.found(f"LogonType is {logon or 'left out'}")
    if task.principal("RunLevel") == "HighestAvailable" or user.upper() in _SYSTEM:
        yield ELEVATED.found(f"it runs as {user or 'its user'} with the highest privileges")
