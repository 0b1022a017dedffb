"""What a Wagtail site mixes into its page types: services, queues, intake forms, articles."""
