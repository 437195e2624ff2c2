"""What is kept of evidence beside the log: one module for each kind of rows."""
