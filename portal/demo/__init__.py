"""The demo: a small university's ticket service with its people, queues, pages and tickets.

`manage.py demo` loads it into an empty site. Nothing of the site itself depends on this package.
"""
