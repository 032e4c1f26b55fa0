"""What the alerter decides and remembers: the parts of consumers.alerter, each testable alone."""
