"""Page mixins for Wagtail sites: the public face of a queue, intake forms, services and articles.

A site derives its own page types from these and gets drafts, preview, revisions, workflow,
scheduling, copies, aliases and translations from Wagtail. The shipped templates lie in
`helpdesk/pages/` and extend `helpdesk/base_public.html`; a template named after the site's own page
type comes first.
"""
