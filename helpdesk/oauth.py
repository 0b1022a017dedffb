"""Logging in at mail servers with OAuth2 (RFC 6749): tokens are kept encrypted and renewed in time."""

from __future__ import annotations
