"""Make a virtual environment that has pip, or say in words what is missing.

Debian and Ubuntu ship Python without `ensurepip`; where the system's own pip is there it does
instead. Usage: python3 scripts/make_venv.py FOLDER
"""

import importlib.util
import subprocess
import sys
import venv
from pathlib import Path

NEEDED = (3, 11)


def main() -> int:
    folder = Path(sys.argv[1])
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if sys.version_info < NEEDED:
        print(
            f"Python 3.11 or newer is needed; {sys.executable} is {version}.\n"
            "Name another one: make PYTHON=python3.12 run",
            file=sys.stderr,
        )
        return 1
    with_pip = importlib.util.find_spec("ensurepip") is not None
    if not with_pip and importlib.util.find_spec("pip") is None:
        print(
            f"This Python can make no virtual environment with pip. On Debian and Ubuntu:\n"
            f"    sudo apt-get install python3-venv    (or python{version}-venv)",
            file=sys.stderr,
        )
        return 1
    print(f"Setting up {folder} (once) …", file=sys.stderr)
    try:
        venv.create(folder, with_pip=with_pip, clear=True)
    except OSError as error:
        print(f"Cannot write {folder.absolute()}: {error.strerror}.", file=sys.stderr)
        return 1
    return 0 if with_pip else add_pip(folder)


def add_pip(folder: Path) -> int:
    """Let the system's pip install one into the environment."""
    python = next(path for path in folder.glob("*/python*") if path.stem == "python")
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "pip"]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
