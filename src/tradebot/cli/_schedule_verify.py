"""`tradebot schedule verify`: will this schedule do what is wanted, also in a year?"""

from __future__ import annotations

import json
from datetime import UTC, datetime

import click

from tradebot.cli._options import OUTPUT
from tradebot.cli._schedule_options import Wanted, schedule_options
from tradebot.deploy.machine_zone import machine_zone
from tradebot.deploy.rules import Finding, Severity, is_approved


@click.command()
@click.option(
    "--rendered", is_flag=True, help="Judge what install would write, not what is installed."
)
@OUTPUT
@schedule_options
def verify(wanted: Wanted, rendered: bool, output: str) -> int:
    """Find what is wrong with the installed schedule, also with one written by hand.

    The scheduler's own linter, its version, time-outs, clock changes to come, folders, and each
    trap that schedulers are known for. Every finding says what happens and what to do.

    Exits with 0 when it is approved (notes do not count), with 1 when something is found.
    """
    from tradebot.deploy.verify import verify as find

    findings = find(
        wanted.schedule,
        wanted.scheduler,
        settings=wanted.settings,
        problems=wanted.problems,
        only_here=wanted.only_here,
        now=datetime.now(UTC),
        zone=machine_zone(),
        rendered=rendered,
    )
    what = f"{wanted.schedule.name} by {wanted.scheduler.name}"
    click.echo(f"looked at: {what}, {'as rendered' if rendered else 'as installed'}", err=True)
    if output == "json":
        click.echo(json.dumps(_document(findings), indent=2))
    else:
        for finding in findings:
            click.echo("\n".join(finding.lines()))
        click.echo(_verdict(what, findings))
    return 0 if is_approved(findings) else 1


def _verdict(what: str, findings: list[Finding]) -> str:
    count = dict.fromkeys(Severity, 0)
    for finding in findings:
        count[finding.rule.severity] += 1
    told = ", ".join(f"{number} {severity}s" for severity, number in count.items())
    return f"{what}: {'approved' if is_approved(findings) else 'NOT approved'} ({told})"


def _document(findings: list[Finding]) -> dict[str, object]:
    return {
        "approved": is_approved(findings),
        "findings": [
            {
                "rule": finding.rule.name,
                "severity": finding.rule.severity.value,
                "what": finding.what,
                "what_happens": finding.rule.consequence,
                "what_to_do": finding.remedy,
            }
            for finding in findings
        ],
    }
