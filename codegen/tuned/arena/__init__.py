"""The arena: from when to when each value is needed, and one place for many."""
