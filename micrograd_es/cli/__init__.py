"""The command line: `micrograd-es`, and what each of its commands does.

    main(argv)      runs a command and returns its exit status (commands.py)
    read(text, …)   an expression written as text, made of Values (expression.py)

The options of each command are in options.py.
"""

from micrograd_es.cli.commands import main as main
