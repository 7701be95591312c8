"""One program per claim; ratios measured in one run, interleaved."""
