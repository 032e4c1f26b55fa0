"""RSS, Atom and JSON feeds, polled for ever: fetch, parse, full text, state, schedule, each in its own module."""
