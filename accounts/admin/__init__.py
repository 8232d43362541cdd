"""What administrators see of people: read-only, or written by the services that the pages use."""

__all__ = ["identity", "keys", "people", "personal", "site", "teams"]
