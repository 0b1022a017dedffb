"""Addresses of the extension."""
