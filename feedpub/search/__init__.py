"""The search index: which records answer a question about time, names, words and places.

A SQLite file of its own beside the store, made of what is published and brought up to date from the
numbered changes. It may be deleted at any time: the next refresh makes it anew. The publisher
writes it (`index`), the API asks it (`find`); both know nothing of each other.
"""

INDEX_NAME = "search.sqlite"
"""The file's name in the state folder."""
