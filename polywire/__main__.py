"""`python -m polywire`: how the supervisor starts the stages, whatever the PATH."""

from polywire.cli import main

main()
