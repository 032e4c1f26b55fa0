"""Quality on labelled articles, as figures with their uncertainty."""
