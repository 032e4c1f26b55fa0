"""How fast it is. Each is a script: `.venv/bin/python quality/bench/NAME.py --help`."""
