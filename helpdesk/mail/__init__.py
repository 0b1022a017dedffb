"""Mail in: ledger, fetch, parse, screen, thread, file."""
