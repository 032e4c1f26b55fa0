"""Starts the engines and every stage as its own process, watches them, restarts what dies, stops all in order."""
