"""An interrupt at every line: what a function leaves behind if Ctrl-C comes there."""

import sys
from pathlib import Path


def interrupted_everywhere(action, rooms, check):
    """Run action again and again, interrupted at its first, second, … line in some files.

    check() is called after each interrupt; return how many there were.
    """
    names = {str(Path(room.__file__)) for room in rooms}
    usual = sys.gettrace()  # of a measurement of coverage
    for count in range(100_000):
        left = count

        def at_line(frame, event, argument):
            nonlocal left
            if event == "line" and frame.f_code.co_filename in names:
                if left == 0:
                    sys.settrace(usual)
                    raise KeyboardInterrupt
                left -= 1
            return at_line

        sys.settrace(at_line)
        try:
            action()
        except KeyboardInterrupt:
            check()
        else:
            return count
        finally:
            sys.settrace(usual)
    raise AssertionError("it never ends")
