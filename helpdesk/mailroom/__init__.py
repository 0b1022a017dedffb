"""The development mail room: every mail the system sent, and mail to it, with no account anywhere."""
