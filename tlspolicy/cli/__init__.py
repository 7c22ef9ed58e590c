"""The command line: `tlspolicy check`, `diff`, `eval`, `explain`, `ways`. The extra `cli` brings what it needs."""
