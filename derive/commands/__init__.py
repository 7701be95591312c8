"""The subcommands of `python -m derive`: one module each, holding a `click.Command` of the same name.

The table is all that `--help` needs, so that asking for help imports neither SymPy nor NumPy.
"""

COMMANDS = {
    "build": "Derive networks and emit their NumPy and C source.",
    "train": "Train an emitted network, with a log, curves and a checkpoint.",
    "sample": "Print text that a trained network draws.",
    "data": "Fetch a data set, check it and keep it in the user's cache.",
    "show": "Show the derivation of a network, step by step.",
    "verify": "Check an emitted network against independent oracles.",
    "list": "List networks, layers and data sets.",
    "tables": "Write the documentation's tables of forms, refusals and rules.",
    "bench": "Race what was emitted against the peers that are installed.",
    "study": "Train on data that no line separates, and draw the regions.",
}
