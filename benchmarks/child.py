"""One sample in a process of its own: `python -m benchmarks.child MODULE FUNCTION JSON`.

The function is called with the list's items; what it returns is the last line of stdout.
"""

from __future__ import annotations

import importlib
import json
import sys


def main() -> int:
    module, function, arguments = sys.argv[1:]
    answer = getattr(importlib.import_module(f"benchmarks.{module}"), function)(
        *json.loads(arguments)
    )
    print(json.dumps(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main())
