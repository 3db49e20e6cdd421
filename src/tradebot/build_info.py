"""What exactly is running: the version, and in a clone the commit and whether it was changed."""

from __future__ import annotations

from pathlib import Path


def describe_commit(root: Path | None) -> tuple[str | None, bool | None]:
    """(commit, changed) of the clone at `root`; None for what cannot be said.

    The commit is read from git's files; only the question whether anything was changed needs git
    itself, which is given two seconds.
    """
    if root is None or not (root / ".git").exists():
        return None, None
    import shutil
    import subprocess

    git = shutil.which("git")
    if git is None:
        return None, None
    arguments = ["describe", "--always", "--abbrev=12", "--dirty", "--exclude=*"]
    try:
        done = subprocess.run(  # noqa: S603 - git, by its full path, with arguments of our own
            [git, "-C", str(root), *arguments],
            capture_output=True,
            timeout=2,
            check=False,
            text=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None, None
    commit, _, dirty = done.stdout.strip().partition("-")
    return (commit, bool(dirty)) if done.returncode == 0 and commit else (None, None)
