"""How well polywire reads and how fast it is: evaluation, training, benchmarks. Not needed to run it."""
