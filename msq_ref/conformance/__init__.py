"""The conformance kit: whether a backend does what the spec says, and if not, where."""
