"""Codecs: frames as a database can hold them exactly, and back. One module per dialect."""
