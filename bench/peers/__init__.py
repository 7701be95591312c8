"""Programs of others' frameworks for the same cases; each is run in a process of its own."""
