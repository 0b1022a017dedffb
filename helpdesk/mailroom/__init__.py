"""The mail room: where mail goes on a machine of one's own. Development only (setting `MAILROOM`).

Shows every mail the site sent, hands mail for a queue into the desk, and lets a newcomer write one
as a customer. Under production settings neither its pages nor its command exist.
"""
