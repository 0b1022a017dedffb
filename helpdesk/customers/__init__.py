"""The customers' pages: my requests, the status link."""
