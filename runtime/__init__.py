"""What every stage process needs: settings, logs, health and metrics, Kafka clients, dead letters.

The stages (producers, streams, consumers) may import this package and `schemas`; it imports only `schemas`.
"""
