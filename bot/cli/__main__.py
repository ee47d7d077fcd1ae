"""`python -m bot.cli`: the command where nothing is installed, as in the container."""

import sys

from bot.cli import main

sys.exit(main())
