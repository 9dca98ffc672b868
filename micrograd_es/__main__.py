"""`python -m micrograd_es`."""

import sys

from micrograd_es.cli import main

sys.exit(main())
