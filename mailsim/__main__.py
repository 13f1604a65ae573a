"""`python -m mailsim`: the command line where the script is not on the path."""

import sys

from mailsim.cli.main import main

sys.exit(main())
