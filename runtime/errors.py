"""Errors that are told to a person in one line."""

from __future__ import annotations


class UserError(Exception):
    """Something the person at the terminal can put right; the message says what and how."""
