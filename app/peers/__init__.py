"""The talk between nodes: how a request is signed, and how it is carried. Knows no database."""
