"""The command line and everything that starts, watches and stops the stages."""

__version__ = "0.1.0"
