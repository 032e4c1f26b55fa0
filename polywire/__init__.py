"""The command line and everything that starts, watches and stops the stages."""

from importlib.metadata import version

__version__ = version("polywire")
