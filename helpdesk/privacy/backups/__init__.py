"""Backups: a folder of dated backups that share their files, and restoring one of them.

```
TARGET/
  blobs/ab/cd/SHA256             attachments, raw mail, pictures, documents: each content once, for all backups
  2026-11-26T021500Z/            one backup
    database.dump | .sqlite3     by the database's own tools
    blobs.jsonl  files.jsonl     which contents belong to it, and where they lay
    journal.jsonl                what had been erased by then
    manifest.json                written last: a backup without it was interrupted and is none
```
"""
