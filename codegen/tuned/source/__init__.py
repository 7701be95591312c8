"""Source: the phases of a network or of a layer as the text of one file."""
