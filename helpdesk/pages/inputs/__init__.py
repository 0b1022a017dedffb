"""The fields that an intake form is built of, by kind; what they have in common stands in `pages.blocks`."""
