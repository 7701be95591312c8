"""Programs: equations in single assignment, and what is done to a program as a whole."""
