"""What is emitted, as contestants: built at the sizes of a case, compiled, and timed by a loop in C."""
