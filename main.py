"""Run AI-Tradebot from a clone: `python main.py --single-cycle`.

Only a few lines, and plain enough for an old Python 3, too: what is missing is said in words, with
the command that mends it.
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ADVICE = "Run `make run` (it sets up .venv first), or: .venv/bin/python main.py --single-cycle\n"
if sys.platform == "win32":
    ADVICE = "Run .venv\\Scripts\\python main.py --single-cycle (see docs/runbooks about .venv)\n"

if __name__ == "__main__":
    if sys.version_info < (3, 11):
        have = sys.version.split()[0]
        sys.stderr.write("AI-Tradebot needs Python 3.11 or newer; this is %s.\n" % have + ADVICE)
        sys.exit(78)
    sys.path.insert(0, str(HERE / "src"))
    try:
        from tradebot.app import main

        sys.exit(main(sys.argv[1:]))
    except ModuleNotFoundError as error:
        if (error.name or "tradebot").startswith("tradebot"):
            raise
        sys.stderr.write("This Python lacks the package %r.\n" % error.name + ADVICE)
        sys.exit(78)
    except KeyboardInterrupt:  # before the program listens for signals itself
        sys.stderr.write("Stopped before anything was done.\n")
        sys.exit(143)
