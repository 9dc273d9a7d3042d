"""What users see: transcripts of commands, mistakes most of them, with their exit codes.

A transcript is a text in ``transcripts/``: ``$ command``, what it writes (lines of standard error
begin with ``! ``), and its exit code in brackets. All commands of a transcript run in one folder,
which has FILES. With RECORD_TRANSCRIPTS=1 in the environment, transcripts are written anew; read
the difference before you keep it.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

TRANSCRIPTS = sorted(Path(__file__).with_name("transcripts").glob("*.txt"))

CODE = """\
from algomancy_data import SimpleETLFactory, Validator
from algomancy_data.validator import ValidationSequence

class Silent(Validator):
    def validate(self, data):
        pass

class Validating(SimpleETLFactory):
    @classmethod
    def create_validation_sequence(cls, schemas=None, logger=None):
        return ValidationSequence([Silent()], logger)

class Failing(SimpleETLFactory):
    @classmethod
    def create_loader(cls, logger=None):
        return 1 / 0

class Wrong(SimpleETLFactory):
    @classmethod
    def create_loader(cls, logger=None):
        return "a loader"
"""
FILES = {
    "etl.py": CODE,
    "customers.csv": "customer_id;name\n1;Ann\n2;Bob\n",
    "orders.csv": "order_id;customer_id;amount\n1;1;9.5\n2;1;3\n3;2;0.25\n",
    "bad.csv": "order_id;customer_id;amount\n1;1;9.5\n2;1;\n2;2;x\n4;9;1\n",
    "null.csv": "order_id;customer_id;amount\n1;1;\n",
    "parts/1.csv": "order_id;customer_id;amount\n1;1;9.5\n",
    "parts/2.csv": "order_id;customer_id;amount\n2;2;9.5\n",
    "broken.py": "x = 1\ny = (\n",
    "raises.py": "1 / 0\n",
    "empty.py": "x = 1\n",
    "listed.py": "SCHEMAS = 1\n",
    "binary.csv": b"PK\x03\x04" + bytes(range(256)),
    "latin.csv": "customer_id;name\n1;Zoë\n".encode("latin-1"),
    "many.csv": "customer_id;name\n1;Ann;x;y\n2;Bob\n",
    "void.csv": "",
    "header.csv": "customer_id;name\n",
    "wide.csv": "customer_id;name;age\n1;Ann;3\n2;Bob;4\n",
    "narrow.csv": "customer_id\n1\n2\n",
    "commas.csv": "ID,NAME,AGE\n1,Ann,3\n",
    "json.csv": '[{"customer_id": 1, "name": "Ann"}]',
    "text.xlsx": "hello",
    "note.txt": "hello\n",
}
COMMAND = re.compile(
    r"(?P<variables>(?:[A-Z_]+=\S+ )*)algomancy-data ?(?P<arguments>.*)", re.DOTALL
)
# How long something took, and when: different each time.
PROGRESS = re.compile(r"(?:[a-z]+ )?[a-z]+(?: '[^']*')?: (?:[\d,]+ rows?, )?\d+\.\d{3} s(?:, .*)?")
CHANGING = {
    re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d"): "<moment>",
    re.compile(r"\bon 20\d\d-\d\d-\d\d\b"): "on <day>",
    re.compile(r"\bin \d+\.\d s\b"): "in <n> s",
}


@pytest.fixture
def replay(run, tmp_path, environment):
    """Run a line of a transcript; return all of its lines."""

    def replay(line):
        command = COMMAND.fullmatch(line)
        if command is None:
            done = subprocess.run(
                ["sh", "-c", line],
                cwd=tmp_path,
                capture_output=True,
                text=True,
                env=environment,
                check=False,
            )
            code, out, err = done.returncode, done.stdout, done.stderr
        else:
            variables = dict(pair.split("=", 1) for pair in shlex.split(command["variables"]))
            arguments = shlex.split(command["arguments"])
            done = run(*arguments, allow_traceback=True, **variables)
            code, out, err = done.code, done.out, done.err
        lines = [
            *(f"! {said}" for said in err.splitlines() if not PROGRESS.fullmatch(said)),
            *(said.rstrip() for said in out.splitlines()),
        ]
        text = "\n".join([f"$ {line}", *lines, f"[{code}]"])
        text = text.replace(f"{tmp_path}/", "").replace(str(tmp_path), "<here>")
        for pattern, name in CHANGING.items():
            text = pattern.sub(name, text)
        return text

    return replay


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_what_users_see_is_as_in_the_transcript(path, replay, tmp_path, schemas_text):
    for name, content in {**FILES, "schemas.py": schemas_text}.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    written = path.read_text(encoding="utf-8")
    title, *commands = re.split(r"^\$ ", written, flags=re.MULTILINE)
    lines = [command.partition("\n")[0] for command in commands]
    seen = title.rstrip() + "\n\n" + "\n\n".join(map(replay, lines)) + "\n"
    if os.environ.get("RECORD_TRANSCRIPTS"):
        path.write_text(seen, encoding="utf-8")
    assert seen == written
