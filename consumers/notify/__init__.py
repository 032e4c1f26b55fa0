"""Telling people: the outbox of deliveries, the ways to deliver, and the order and patience they are delivered with."""
