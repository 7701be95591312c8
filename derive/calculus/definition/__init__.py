"""Definition: a text as on paper, or a graph, to a program."""
