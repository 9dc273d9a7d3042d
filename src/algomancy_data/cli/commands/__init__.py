"""The commands, those that are about the same in one module."""
