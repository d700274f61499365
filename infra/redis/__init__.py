"""Redis: conversations, answers and leases, as a cache that may vanish at any moment."""
