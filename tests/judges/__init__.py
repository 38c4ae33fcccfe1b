"""Judges that had no part in writing what they judge, and samples for them."""
