"""`python -m tradebot`: the same as `python main.py`, for an installed copy."""

import sys

from tradebot.app import main

sys.exit(main(sys.argv[1:]))
