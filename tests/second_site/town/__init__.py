"""A town's site: the smallest that has a help desk. The examples of docs/extension.md are these files."""
