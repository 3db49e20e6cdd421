"""The wheel, installed as a user would, runs a cycle from an empty folder."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

from support.program import ROOT, environment


def test_a_cycle_from_an_empty_folder(tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    quiet = ["--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "wheel", *quiet, "-w", str(wheels), str(ROOT)], check=True, timeout=100)
    [wheel] = wheels.glob("ai_tradebot-*.whl")

    home = tmp_path / "venv"
    venv.create(home, with_pip=False)
    python = home / "bin" / "python"
    # The dependencies come from this environment; the package itself must come from the wheel.
    site = next((home / "lib").glob("python*/site-packages"))
    subprocess.run(
        [*pip, "--python", str(python), "install", *quiet, str(wheel)], check=True, timeout=100
    )
    (site / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"], encoding="utf-8")

    empty = tmp_path / "empty"
    empty.mkdir()
    state_home = tmp_path / "state-home"
    env = environment(tmp_path, XDG_STATE_HOME=str(state_home), HOME=str(tmp_path))
    for name in ("LOG_DIR", "STATE_DIR"):
        env.pop(name)
    done = subprocess.run(
        [str(home / "bin" / "tradebot"), "run", "--single-cycle"],
        cwd=empty,
        env=env,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "execution_outcome=SUCCESS" in done.stderr
    assert list(empty.iterdir()) == []
    log = (state_home / "ai-tradebot" / "logs" / "bot.log").read_text(encoding="utf-8")
    assert f"package_dir={site}/tradebot" in log
