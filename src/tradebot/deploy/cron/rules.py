"""Everything that can be wrong with a crontab, under stable names."""

from __future__ import annotations

from tradebot.deploy.rules import Rule, Severity

_LIKE_OURS = "take the line that `tradebot schedule render cron` prints"

NOT_INSTALLED = Rule(
    "cron-not-installed",
    Severity.ERROR,
    "nothing starts runs",
    "tradebot schedule install cron",
)
NOT_READABLE = Rule(
    "cron-not-readable",
    Severity.ERROR,
    "whether anything starts runs cannot be told",
    "mend what it says, and verify again",
)
MARKERS = Rule(
    "cron-markers-damaged",
    Severity.ERROR,
    "install and uninstall refuse to touch the crontab",
    "leave one BEGIN and one END with the lines between them, or delete both",
)
NO_DAEMON = Rule(
    "cron-not-running",
    Severity.ERROR,
    "no line of any crontab is started",
    "systemctl enable --now cron (crond on Fedora, RHEL and SUSE)",
)
FILE_IGNORED = Rule(
    "cron-file-ignored",
    Severity.ERROR,
    "cron reads no line of the file, and says so only in its own log",
    "tradebot schedule install cron --system",
)
FINAL_NEWLINE = Rule(
    "cron-final-newline",
    Severity.ERROR,
    "the last line, or the whole crontab, is ignored",
    "end the file with a newline",
)
TOO_LONG = Rule(
    "cron-line-too-long",
    Severity.ERROR,
    "cron refuses the line, and with it the crontab",
    "put settings into the env file, or the bot into a folder with a shorter path",
)
PERCENT = Rule(
    "cron-percent",
    Severity.ERROR,
    "the command ends at the bare %, and what follows becomes its input",
    "write \\% instead",
)
LINE_END = Rule(
    "cron-line-end",
    Severity.ERROR,
    "the invisible character belongs to the command's last word: the bot refuses it, exit code 64",
    "save the crontab with Unix line ends",
)
WORD = Rule(
    "cron-word",
    Severity.ERROR,
    "@reboot starts one run per boot, @daily and its kin one at midnight of the machine's zone",
    _LIKE_OURS,
)
FIXED_HOURS = Rule(
    "cron-fixed-hours",
    Severity.ERROR,
    "when clocks change, cron leaves such a line's hours out or starts it several times at once",
    "write * for the hours: the bot itself knows when it may trade",
)
SLOTS_MISSED = Rule(
    "cron-slots-missed",
    Severity.ERROR,
    "slots in which the bot would trade have no run in time",
    _LIKE_OURS,
)
CADENCE = Rule(
    "cron-cadence-differs",
    Severity.WARNING,
    "runs that start within a slot find it taken and do nothing, or stand in for a missed one late",
    _LIKE_OURS + ", or change SCHEDULE_CADENCE",
)
TIME_ZONE = Rule(
    "cron-time-zone-line",
    Severity.WARNING,
    "Debian's cron ignores CRON_TZ silently, cronie starts fixed hours twice in autumn with it, "
    "and TZ only changes what the command sees",
    "remove the line: with * for the hours no zone is needed, and TIMEZONE is the bot's own",
)
SHELL = Rule(
    "cron-shell",
    Severity.ERROR,
    "the command is written for a POSIX shell; another one does not understand it",
    "write SHELL=/bin/sh above the line",
)
NO_FLOCK = Rule(
    "cron-no-flock",
    Severity.WARNING,
    "cron starts a run although the last one is not over; only the bot's own lock stops it",
    _LIKE_OURS,
)
RUN_LOCK = Rule(
    "cron-flock-on-run-lock",
    Severity.ERROR,
    "every run finds the lock held by its own line, exits with 75 and never trades",
    "give flock a file of its own: cron.lock",
)
WAITS = Rule(
    "cron-flock-waits",
    Severity.WARNING,
    "behind a run that hangs the next ones queue up, and then start one after the other, late",
    "add -n",
)
INHERITED = Rule(
    "cron-flock-inherited",
    Severity.WARNING,
    "whatever a run leaves behind in the background keeps the lock: no run starts any more",
    "add -o",
)
BUSY_CODE = Rule(
    "cron-flock-code",
    Severity.WARNING,
    "flock exits with 1 when another run has the lock, which is the bot's code for a hang",
    "add -E 75",
)
RELATIVE = Rule(
    "cron-relative-path",
    Severity.ERROR,
    "cron starts in the user's home with a short PATH: the file is not found, or another one is",
    "write the whole path",
)
MISSING = Rule(
    "cron-program-missing",
    Severity.ERROR,
    "nothing is started, and cron's own log calls it a success",
    "correct the path, or install again: tradebot schedule install cron",
)
WRONG_PYTHON = Rule(
    "cron-wrong-python",
    Severity.ERROR,
    "every run ends before it begins, with nothing in the bot's log",
    "use the interpreter that has the bot's packages: .venv/bin/python",
)
NOT_SCHEDULED = Rule(
    "cron-not-scheduled",
    Severity.ERROR,
    "the run belongs to no slot: started twice or late, it trades twice or on old ground",
    "add --scheduled",
)
NOT_SINGLE = Rule(
    "cron-not-single-cycle",
    Severity.ERROR,
    "the bot loops for ever: all later starts find it busy, and nothing restarts it",
    "add --single-cycle",
)
DOUBLE_JITTER = Rule(
    "cron-double-jitter",
    Severity.WARNING,
    "the two waits add up, and a run may be late for its slot; a random one cannot be told from "
    "a late start",
    "leave out the sleep: --jitter-seconds-max spreads the starts",
)
RANDOM = Rule(
    "cron-random-in-sh",
    Severity.WARNING,
    "/bin/sh is dash on Debian and has no $RANDOM: all bots wait 0 seconds and start together",
    "leave out the sleep: --jitter-seconds-max spreads the starts",
)
SOURCES_ENV = Rule(
    "cron-sources-env",
    Severity.WARNING,
    "the shell reads .env by its own rules and exports nothing; dash has no `source` at all",
    "leave it out: the bot reads .env itself (or add --env-file=FILE)",
)
OUTPUT_LOST = Rule(
    "cron-output-lost",
    Severity.WARNING,
    "what has no log to go to (exit codes 64, 74 and a wrong Python) is never seen",
    "leave out the redirection: LOG_CONSOLE_LEVEL=ERROR keeps ordinary runs silent",
)
TWO_LINES = Rule(
    "cron-two-lines",
    Severity.WARNING,
    "the bot is started twice: one of the two finds the slot taken or the lock held",
    "keep one of them",
)
SECOND = Rule(
    "cron-second-start",
    Severity.ERROR,
    "each time, all of them run one after the other: the later ones late, or beside the slots",
    "keep one of them; what failed is looked after in the next slot",
)
SECRET = Rule(
    "cron-secret",
    Severity.ERROR,
    "every user of this machine reads it in the list of processes, and it is in cron's log",
    "move it into the env file, readable by its user only, and have the secret replaced",
)
SHARED = Rule(
    "cron-flock-shared",
    Severity.WARNING,
    "such a lock keeps nobody out: only the bot's own stops a second run",
    "take -s and -u away",
)
SHORT_LIMIT = Rule(
    "cron-timeout-short",
    Severity.ERROR,
    "runs are cut off before the bot's own deadline and watchdog act, perhaps with an order on "
    "its way",
    "take the timeout away (the bot ends itself), or make it longer",
)
CONDITION = Rule(
    "cron-runs-only-if",
    Severity.WARNING,
    "the bot runs only if that lets it; where it does not, nothing runs and nothing says so",
    "leave it out: when to trade is the settings' to say, and `tradebot pause` stops it",
)
SETTINGS_DIFFER = Rule(
    "cron-settings-differ",
    Severity.WARNING,
    "its runs follow that; what verify, status and missed say is about the env file's settings",
    "write it into the env file instead (another instance: --instance NAME, --env-file FILE)",
)
DRY_RUN = Rule(
    "cron-dry-run",
    Severity.WARNING,
    "runs decide and precheck, and never send an order",
    "tradebot schedule install cron, without --dry-run; where it is meant: verify --dry-run",
)
OTHER_PROGRAM = Rule(
    "cron-other-program",
    Severity.WARNING,
    "another copy of the bot runs, of its own version and with its own .env and journal",
    "tradebot schedule install cron, or verify with that copy's own `tradebot`",
)
BESIDE_SYSTEMD = Rule(
    "cron-beside-systemd",
    Severity.WARNING,
    "the bot is started twice: one of the two finds the slot taken or the lock held",
    "tradebot schedule uninstall systemd, or uninstall cron",
)
LOGIN_LOST = Rule(
    "cron-login-lost",
    Severity.ERROR,
    "the broker's login ends between two runs: exit code 77 until a person logs in",
    "tradebot schedule install cron (it adds a line that keeps the login alive)",
)
ENV_READABLE = Rule(
    "cron-env-file-readable",
    Severity.WARNING,
    "other users of this machine can read the broker's keys",
    "chmod 600, owned by the user that runs the bot",
)
ENV_UNREADABLE = Rule(
    "cron-env-file-unreadable",
    Severity.ERROR,
    "every run ends with exit code 78: the bot cannot read its settings",
    "give the file to the user that runs the bot: chown",
)
NOT_WRITABLE = Rule(
    "cron-folder-not-writable",
    Severity.ERROR,
    "runs end with exit code 74, or flock cannot open its lock and nothing starts",
    "make it, and give it to the user that runs the bot",
)
NO_MAIL = Rule(
    "cron-no-mail",
    Severity.NOTE,
    "what a failed run prints is thrown away; the bot's log and `schedule missed` still tell",
    "install a mail program, or send the output to a file: >>/some/file 2>&1",
)
NO_KILL = Rule(
    "cron-no-kill",
    Severity.NOTE,
    "cron never ends a run that hangs; the bot's own watchdog does, and until then runs stand back",
    "nothing; where a second net is wanted, use systemd (TimeoutStartSec=)",
)

RULES = (
    NOT_INSTALLED, NOT_READABLE, MARKERS, NO_DAEMON, FILE_IGNORED, FINAL_NEWLINE, TOO_LONG, PERCENT,
    LINE_END, WORD, FIXED_HOURS, SLOTS_MISSED, CADENCE, TIME_ZONE, SHELL, NO_FLOCK, RUN_LOCK, WAITS,
    INHERITED, BUSY_CODE, RELATIVE, MISSING, WRONG_PYTHON, NOT_SCHEDULED, NOT_SINGLE, DOUBLE_JITTER,
    RANDOM, SOURCES_ENV, OUTPUT_LOST, TWO_LINES, BESIDE_SYSTEMD, LOGIN_LOST, ENV_READABLE,
    ENV_UNREADABLE, NOT_WRITABLE, NO_MAIL, NO_KILL, SECOND, SECRET, SHARED, SHORT_LIMIT, CONDITION,
    SETTINGS_DIFFER, DRY_RUN, OTHER_PROGRAM,
)  # fmt: skip
