"""The programs of the child processes import each other as a program's own modules."""

collect_ignore_glob = ["child.py", "reading.py", "readers/*"]
