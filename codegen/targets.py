"""What a network can be emitted for; nothing else is imported, so that a command line may list them."""

TARGETS = ("numpy", "c", "tuned")
