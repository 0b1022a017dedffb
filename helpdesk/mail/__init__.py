"""Inbound mail: from raw bytes to a filed article.

The reading modules are pure (no models, no database): `parse` turns bytes into a `ParsedMail`,
`screen` tells machine mail from people's, `sanitise` makes HTML safe to show, `folding` marks quotes
and signatures for display. `parse` is the only entry to what stands below it (`structure`,
`headers`, `addresses`, `charsets`, `transfer`, `bodies`, `invitations`, `reports`, `tnef`).
"""
