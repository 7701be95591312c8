"""Programs to source: passes, plans, printers, templates. Knows equations, never what they are for."""
