"""`python -m micrograd_es`."""

import sys

from micrograd_es_doors import main

sys.exit(main())
