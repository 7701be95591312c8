"""Verification: what a draft must be after each pass, and that what is needed at once lies apart."""
