"""Kafka as polywire uses it: clients, the loop of the consumers, what stands beside a commit, dead letters."""
