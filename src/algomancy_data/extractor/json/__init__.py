"""JSON: documents and lines, in one table or in several that lie in each other."""
