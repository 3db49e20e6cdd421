"""Setting the log up, once per process, and taking it down again.

The standard `logging` module stays underneath: the session puts two handlers on the root logger,
one for the file and one for the console, so records of every library arrive in the same file, in
the same grammar, masked by the same rules.
"""

from __future__ import annotations

import atexit
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType, TracebackType

from tradebot.observability import log_context, redaction
from tradebot.observability.assembly import Assembler
from tradebot.observability.console import Show, stderr_console
from tradebot.observability.files import BotLog
from tradebot.observability.hooks import Hooks
from tradebot.observability.queueing import QueuedLog
from tradebot.observability.recorder import Recorder
from tradebot.observability.rotation import Policy
from tradebot.observability.schema import CORRELATION, Catalogue, level_number
from tradebot.observability.system_files import fill_standard_descriptors

_TALKATIVE = ("urllib3", "requests", "httpx", "httpcore")
"""Libraries that log whole URLs below WARNING."""

_NOTHING = logging.CRITICAL * 100
"""A level that no record has."""

_session: Session | None = None


class CorrelationFilter(logging.Filter):
    """Puts the six correlation fields on every record as attributes, `-` where not known.

    It sits on the handlers: a filter of the root logger does not see records of its children.
    """

    def __init__(self, values: Callable[[], Mapping[str, object]] | None = None) -> None:
        super().__init__()
        self._values = values or current_correlation

    def filter(self, record: logging.LogRecord) -> bool:
        record.__dict__.update(self._values())
        return True


def current_correlation() -> dict[str, object]:
    """The six correlation fields of the running session."""
    recorder = log_context.active
    return dict.fromkeys(CORRELATION, "-") if recorder is None else recorder.correlation_values()


class _LineHandler(logging.Handler):
    """One of the session's handlers: hands records to the recorder, and never prints them."""

    def __init__(self, take: Callable[[logging.LogRecord], None], recorder: Recorder) -> None:
        super().__init__()
        self._take = take
        self.addFilter(CorrelationFilter(recorder.correlation_values))

    def emit(self, record: logging.LogRecord) -> None:
        try:  # noqa: SIM105 - `suppress` takes a third of a microsecond, on every record
            self._take(record)
        except Exception:  # noqa: BLE001, S110 - `handleError` would print the record as it is
            pass


class Session:
    """A running set-up. `close` (or the end of a `with`) drains, writes and takes it down."""

    def __init__(
        self,
        recorder: Recorder,
        log: BotLog | None,
        queued: QueuedLog | None,
        root_level: int,
    ) -> None:
        self._recorder = recorder
        self._log = log
        self._queued = queued
        self._closed = self._exiting = False
        self._sigterm: Callable[[int, FrameType | None], None] | None = None
        root = logging.getLogger()
        self._root_level = root.level
        self._file_handler = _LineHandler(recorder.write_record, recorder)
        self._console_handler = _LineHandler(recorder.show_record, recorder)
        self.set_console(recorder.show)
        recorder.handlers = [self._file_handler, self._console_handler]
        for handler in recorder.handlers:
            root.addHandler(handler)
        root.setLevel(root_level)
        self._quieted = _quieten_libraries()
        self._hooks = Hooks(lambda: recorder.show is not None)
        log_context.active = recorder
        atexit.register(self._close_at_exit)

    @property
    def path(self) -> Path | None:
        """The live file; None for a session without one."""
        return None if self._log is None else self._log.path

    @property
    def context(self) -> Mapping[str, object]:
        """What every line carries now."""
        return self._recorder.context

    def update_context(self, **fields: object) -> None:
        """Set fields that every line carries from now on, the six among them; None removes."""
        self._recorder.update_context(fields)

    def set_console(self, show: Show | None) -> None:
        """Send lines from LOG_CONSOLE_LEVEL up to `show(level, line)`; None switches it off."""
        self._recorder.show = show
        self._console_handler.setLevel(_NOTHING if show is None else self._recorder.console_level)

    def flush(self) -> None:
        """Write what a queue still holds: call it before `os._exit`."""
        if self._queued is not None:
            self._queued.flush()

    def close(self) -> None:
        """Write everything that waits and undo the set-up. Calling it again does nothing."""
        global _session  # noqa: PLW0603 - there is one log per process
        if self._closed:
            return
        self._closed = True
        atexit.unregister(self._close_at_exit)
        root = logging.getLogger()
        for handler in self._recorder.handlers:
            root.removeHandler(handler)
        root.setLevel(self._root_level)
        for logger, level in self._quieted:
            logger.setLevel(level)
        if not self._exiting:
            self._hooks.remove()
        self._give_back_sigterm()
        if log_context.active is self._recorder:
            log_context.active = None
        if _session is self:
            _session = None
        if self._queued is not None:
            self._queued.close()
        elif self._log is not None:
            self._log.close()
        self._recorder.connect(None)

    def _close_at_exit(self) -> None:
        # The hooks stay: what fails after this would be printed as it is.
        self._exiting = True
        self.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, SystemExit) and isinstance(error.code, str):
            # The interpreter prints it, and no hook is asked.
            error.code = redaction.mask_sensitive(error.code, "msg")
        self.close()

    def take_sigterm(self) -> None:
        """Drain the queue when the process is asked to end, unless somebody else sees to it."""
        if threading.current_thread() is not threading.main_thread():
            return
        if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            self._sigterm = self._on_sigterm
            signal.signal(signal.SIGTERM, self._on_sigterm)

    def _on_sigterm(self, number: int, frame: FrameType | None) -> None:
        self.flush()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    def _give_back_sigterm(self) -> None:
        if self._sigterm is None or threading.current_thread() is not threading.main_thread():
            return
        if signal.getsignal(signal.SIGTERM) == self._sigterm:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


def setup_logging(
    log_dir: Path | str | None = "logs",
    *,
    level: int | str = "INFO",
    console_level: int | str = "INFO",
    rotation_mode: str = "time",
    retention_days: int = 30,
    max_bytes: int = 10_485_760,
    backup_count: int = 5,
    max_total_mb: float = 0,
    queue: bool = False,
    context: Mapping[str, object] | None = None,
    catalogue: Catalogue | None = None,
    strict: bool = False,
    console: Show | bool = True,
    now: Callable[[], float] = time.time,
) -> Session:
    """Start logging to `log_dir`/bot.log and to stderr. A session that runs is closed first.

    `log_dir` None logs to the console alone (and `log_event` answers False). `context` is what
    every line carries (`build_log_context`); `catalogue` the vocabulary; `strict` raises
    SchemaError where an event breaks it; `console` False is silent, a function receives the
    lines; `now` gives epoch seconds. The rest is documented in docs/logging.md.
    Raises errors.StorageError when the folder or file cannot be used, ValueError for a level or
    rotation mode that does not exist.
    """
    global _session  # noqa: PLW0603 - there is one log per process
    if _session is not None:
        _session.close()
    fill_standard_descriptors()
    file_level, shown_level = level_number(level), level_number(console_level)
    redactor = redaction.use_catalogue(Catalogue() if catalogue is None else catalogue)
    recorder = Recorder(
        Assembler(redactor),
        strict=strict,
        file_level=file_level,
        console_level=shown_level,
        now=now,
    )
    recorder.update_context(context or {})
    log: BotLog | None = None
    queued: QueuedLog | None = None
    if log_dir is not None:
        policy = Policy(rotation_mode, retention_days, max_bytes, backup_count, max_total_mb)
        log = BotLog(Path(log_dir), policy, recorder.note, now)
        queued = QueuedLog(log) if queue else None
        recorder.connect(queued or log)
    if console is not False:
        recorder.show = stderr_console() if console is True else console
    _session = Session(recorder, log, queued, min(file_level, shown_level))
    if queued is not None:
        _session.take_sigterm()
    return _session


def update_context(**fields: object) -> None:
    """`Session.update_context` of the running session; without one, nothing happens."""
    if _session is not None:
        _session.update_context(**fields)


def build_log_context(
    run_id: str,
    cycle_id: int | str | None = None,
    *,
    dry_run: bool | None = None,
    single_cycle: bool | None = None,
    env: str | None = None,
    strategy: str | None = None,
    **more: object,
) -> dict[str, object]:
    """The context of a run for `setup_logging`: the six fields in their order, then `more`.

    What is None is not known yet and is written as `-`; `update_context` sets it later.
    """
    return {
        "run_id": run_id,
        "cycle_id": cycle_id,
        "dry_run": dry_run,
        "single_cycle": single_cycle,
        "env": env,
        "strategy": strategy,
        **more,
    }


def _quieten_libraries() -> list[tuple[logging.Logger, int]]:
    """Libraries that log whole URLs stay at WARNING unless somebody set another level."""
    quieted: list[tuple[logging.Logger, int]] = []
    for name in _TALKATIVE:
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET:
            quieted.append((logger, logger.level))
            logger.setLevel(logging.WARNING)
    return quieted
