"""Arrays: equations between elements as operations on whole arrays."""
