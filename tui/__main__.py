"""`python -m tui`: the same as the command adldap-ha."""

from tui.cli import main

main()
