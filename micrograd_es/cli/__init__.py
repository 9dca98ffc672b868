"""The command line: `micrograd-es`, and what each of its commands does.

    main(argv)            runs a command and returns its exit status (commands.py)
    parse(argv, …)        the options by which a command is called (options.py: one table)
    check(options)        the check of a function of the user's own (checking.py)
    read(text, numbers)   an expression written as text, made of Values (expression.py)
    Refusal(key, …)       what cannot be done, as a sentence in either language (refusal.py)

Read refusal.py, then the table in options.py, then commands.py.
"""

from micrograd_es.cli.commands import main as main
