"""What hangs on Faust, mode and aiokafka: see docs/patches.md."""
