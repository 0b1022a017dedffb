"""A site's app with tables that point to tickets. It is in no settings: `installed` puts it in for a test."""
