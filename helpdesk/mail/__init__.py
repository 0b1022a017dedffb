"""Inbound mail: fetch, ledger, parse, screen, thread, file."""
