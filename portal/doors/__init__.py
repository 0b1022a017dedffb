"""How people come in with the account of their organisation: LDAP, OpenID Connect, SAML (docs/login.md).

A *door* proves a log-in name. `matching` finds or makes the account of that name, for all doors in the same way;
`entering` says who may still use a password of their own here. The help desk knows none of this.
"""
