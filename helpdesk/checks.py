"""System checks of the extension."""
