"""Stream processors: analyze, cluster, enrich. Thin Faust apps in `apps/`; beside them the pure parts that decide."""
