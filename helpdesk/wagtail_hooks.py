"""How the extension enters the Wagtail admin."""
