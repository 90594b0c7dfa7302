"""`python -m mlmkit` is the `mlmkit` command, for systems that do not find it on their path."""

import sys

from .course.command import main

sys.exit(main())
