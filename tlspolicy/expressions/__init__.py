"""The rule language. Knows nothing of mail or TLS: usable for any rules."""
