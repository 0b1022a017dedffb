"""The agents' front: ticket list, ticket screen and administration in the Wagtail admin."""
