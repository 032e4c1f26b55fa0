"""The web page: stories in all their languages, search, alerts, live. And the same as JSON.

`reader` reads Elasticsearch, `live` reads Kafka, `views` decides what is shown, `pages` and `api` serve it.
"""
