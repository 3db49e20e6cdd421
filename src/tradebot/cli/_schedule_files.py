"""`tradebot schedule render|install|uninstall`: show what would be, then make it so."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click

from tradebot.cli._schedule_options import Wanted, schedule_options
from tradebot.deploy.common_checks import check_settings
from tradebot.deploy.machine_zone import machine_zone
from tradebot.deploy.plan import Plan
from tradebot.deploy.rules import Finding, Severity
from tradebot.errors import SettingsError, StorageError, UsageError

_DRY = "--dry-run"
YES = click.option("--yes", is_flag=True, help="Do it without asking.")


@click.command()
@click.option("--template", is_flag=True, help="systemd: units for any instance (%i).")
@click.option(
    "--to",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write the files into this folder instead of printing them.",
)
@schedule_options
def render(wanted: Wanted, template: bool, folder: Path | None) -> int:
    """Print the schedule as its scheduler reads it: units, a crontab line, a task's XML.

    Changes nothing. `install` writes the same.
    """
    if wanted.problems:
        raise SettingsError(wanted.problems)
    texts: Mapping[str, str]
    if template:
        if wanted.scheduler.name != "systemd":
            raise UsageError("--template is for systemd: cron and Windows have no templates")
        from tradebot.deploy.systemd.units import render_template

        texts = render_template(wanted.schedule)
    else:
        texts = wanted.scheduler.render(wanted.schedule)
    if folder is not None:
        _write(texts, folder)
    else:
        _print(texts)
    _say_what_is_ignored(wanted)
    return 0


def _print(texts: Mapping[str, str]) -> None:
    for name, text in texts.items():
        if len(texts) > 1:
            click.echo(f"# {name}", err=True)
        click.echo(text, nl=not text.endswith("\n"))


def _write(texts: Mapping[str, str], folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            path = folder / name
            path.write_text(text, encoding="utf-8", newline="\n")
            click.echo(path)
    except OSError as error:
        raise UsageError(f"--to {folder}: cannot be written: {error.strerror}") from error


@click.command()
@YES
@click.option("--anyway", is_flag=True, help="Also when `verify` finds an error in it.")
@click.option(
    "--send-orders",
    is_flag=True,
    help="Also when it takes away the --dry-run of what is installed.",
)
@schedule_options
def install(wanted: Wanted, yes: bool, anyway: bool, send_orders: bool) -> int:
    """Install the schedule and start it; what changes is shown first.

    Doing it again changes nothing, and uninstall takes it back. Exit 1: not done.
    """
    _say_what_is_ignored(wanted)
    # Settings first, then whether this machine has such a scheduler at all, then the rest.
    if _has_errors(check_settings(wanted.settings, wanted.problems, ())) and not anyway:
        return 1
    make_plan = partial(wanted.scheduler.plan_install, wanted.schedule)
    if _takes_dry_run_away(make_plan()) and not send_orders:
        raise UsageError(
            "what is installed has --dry-run, and this would take it away: runs would send orders "
            "as .env says. Add --dry-run to keep it, or --send-orders if that is meant"
        )
    if not wanted.problems and _has_errors(_findings(wanted)) and not anyway:
        return 1
    done = _carry_out(make_plan, yes=yes, verb="installed")
    if done:
        click.echo(
            f"{wanted.schedule.name} runs by {wanted.scheduler.name}; see it with:", err=True
        )
        click.echo(f"    {wanted.command('verify')}", err=True)
    return 0 if done else 1


@click.command()
@YES
@schedule_options
def uninstall(wanted: Wanted, yes: bool) -> int:
    """Take the schedule away again. Log, journal and login stay. Exit 1: not done."""
    make_plan = partial(wanted.scheduler.plan_uninstall, wanted.schedule)
    return 0 if _carry_out(make_plan, yes=yes, verb="removed") else 1


def _takes_dry_run_away(plan: Plan) -> bool:
    return any(
        _DRY in (change.before or "") and change.after is not None and _DRY not in change.after
        for change in plan.changes
    )


def _has_errors(findings: Iterable[Finding]) -> bool:
    """Tell them on stderr."""
    errors = [finding for finding in findings if finding.rule.severity is Severity.ERROR]
    for finding in errors:
        click.echo("\n".join(finding.lines()), err=True)
    if errors:
        click.echo("mend it first, or add --anyway: nothing was changed so far", err=True)
    return bool(errors)


def _findings(wanted: Wanted) -> list[Finding]:
    from tradebot.deploy.verify import verify

    return verify(
        wanted.schedule,
        wanted.scheduler,
        settings=wanted.settings,
        problems=wanted.problems,
        only_here=(),
        now=datetime.now(UTC),
        zone=machine_zone(),
        rendered=True,
    )


def _carry_out(make_plan: Callable[[], Plan], *, yes: bool, verb: str) -> bool:
    """Show, ask, do. True when the machine is as wanted.

    Raises StorageError when what was shown is no longer what would be done.
    """
    plan = make_plan()
    for note in plan.notes:
        click.echo(f"note: {note}", err=True)
    if plan.is_empty:
        click.echo(f"nothing to change: it is {verb} already")
        return True
    for line in plan.show():
        click.echo(line)
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError("nobody is here to answer: add --yes to do it")
        if not click.confirm("Do it?", err=True):
            click.echo("nothing was changed", err=True)
            return False
    if make_plan() != plan:
        # A crontab is written whole: a line that came meanwhile would be lost.
        raise StorageError("somebody else changed it meanwhile; nothing was done: try again")
    for line in plan.apply():
        click.echo(f"    {line}", err=True)
    click.echo(verb)
    return True


def _say_what_is_ignored(wanted: Wanted) -> None:
    for name in wanted.only_here:
        click.echo(f"note: {name} of this shell is ignored: runs will not get it", err=True)
