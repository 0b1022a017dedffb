"""Real servers for tests, each started privately on a free port of this machine and gone afterwards."""
