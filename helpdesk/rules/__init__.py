"""Pure decisions: conditions, effects, terms, follow-ups. No database.

`conditions` is the one condition tree of filters, views, forms, macros and rules; `effects` the one
list of what they may do.
"""
