"""Rewrite rules as rows of data: law, pattern, replacement, domain, source."""
