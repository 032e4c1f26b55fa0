"""One module for each command of the command line. Each has an `app`; `polywire.cli` loads only the one called."""
