"""Do what a page of the documentation says, with the Python that runs this and nothing else.

Blocks run in order: ``python`` in one namespace, the lines of ``console`` that begin with ``$`` in
a shell, and one headed with a language and a file name is written to that file. What they print
is compared by the tests; here, nothing may fail.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import types
from pathlib import Path

# They make the environment that this runs in.
NOT_HERE = ("make ", "git clone", "cd ", "pip install")
BLOCK = re.compile(r"^```(\w+)(?: ([\w.-]+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)

os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
sys.path.insert(0, os.getcwd())  # noqa: PTH109  as an interpreter has it
page = types.ModuleType("__page__")
sys.modules["__page__"] = page
page.__dict__["__name__"] = "__page__"
for language, name, content in BLOCK.findall(Path(sys.argv[1]).read_text(encoding="utf-8")):
    if name:
        Path(name).write_text(content, encoding="utf-8")
    elif language == "python":
        exec(compile(content, sys.argv[1], "exec"), page.__dict__)  # noqa: S102  that is what it is for
    elif language == "console":
        lines = [line[2:] for line in content.splitlines() if line.startswith("$ ")]
        for line in lines:
            if not line.startswith(NOT_HERE):
                print("$", line, flush=True)
                subprocess.run(line, shell=True, check=True)  # noqa: S602  as in a shell
