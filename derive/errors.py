"""The errors that a person can cause, as opposed to bugs.

A message is one paragraph: what is wrong, where (file, layer, axis, both sizes), and the remedy:

    linear 'fc1': axis n is 20 in X (m, n) but 784 in W1 (n, d); set n=20

The command line prints it without a traceback and ends with the error's exit code.
"""


class DeriveError(Exception):
    """Input that cannot be used: a definition, a file, a name, an option."""

    exit_code = 2


class CheckFailed(DeriveError):
    """A check ran to its end and found a difference."""

    exit_code = 1
