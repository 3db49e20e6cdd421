"""Run AI-Tradebot from a clone: `python main.py --single-cycle`.

Only a few lines, and plain enough for any Python 3: what is missing is said in words, with the
command that mends it.
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ADVICE = "Run `make run` (it sets up .venv first), or: .venv/bin/python main.py --single-cycle"

if __name__ == "__main__":
    if sys.version_info < (3, 11):
        print("AI-Tradebot needs Python 3.11 or newer; this is " + sys.version.split()[0] + ".")
        print(ADVICE)
        sys.exit(78)
    sys.path.insert(0, str(HERE / "src"))
    try:
        from tradebot.app import main
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("tradebot"):
            raise
        print(f"This Python lacks the package {error.name!r}.\n{ADVICE}", file=sys.stderr)
        sys.exit(78)
    sys.exit(main(sys.argv[1:]))
