import pytest

from algomancy_data.batch import Job, read_jobs
from algomancy_data.errors import BatchError
from algomancy_data.messages import ValidationSeverity


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "jobs.toml"
        path.write_text(text)
        return path

    return write


def test_a_file_names_jobs_whose_paths_begin_beside_it(write, tmp_path):
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "sales.csv").touch()
    path = write("""
        [[job]]
        dataset = "delft"
        files = { sales = "in/sales.csv", more = "s3://bucket/more.csv", all = "in/*.csv" }
        mode = "append"
        repeated = "skip"
        halt_on = "critical"
        quarantine = true
        version = "2"

        [[job]]
        dataset = "gouda"
        files = "parts"
        """)
    home = tmp_path.resolve()
    assert read_jobs(path) == [
        Job(
            "delft",
            {
                "sales": str(home / "in/sales.csv"),
                "more": "s3://bucket/more.csv",
                "all": str(home / "in/*.csv"),
            },
            mode="append",
            repeated="skip",
            halt_on=ValidationSeverity.CRITICAL,
            quarantine=True,
            version="2",
        ),
        Job("gouda", {"sales": str(home / "parts/sales.csv")}),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", r"must have a table \[\[job\]\]"),
        ("x = 1\n[[job]]", "and nothing else"),
        ("[job]", r"must have a table \[\[job\]\]"),
        ("job = [1]", "Job 1 .* is no table"),
        ("[[job]]\ndataset = 'a'", "has no files"),
        ("[[job]]\nfiles = {t = 't.csv'}", "has no dataset"),
        ("[[job]]\ndataset = 'a'\nfiles = {t = 't.csv'}\nmodus = 'x'", "modus = 'x' is not"),
        ("[[job]]\ndataset = 'a'\nfiles = {t = 't.csv'}\nmode = 'x'", "mode must be"),
        (
            "[[job]]\ndataset = 'a'\nfiles = {t = 't.csv'}\nhalt_on = 'x'",
            "Job 1 .*halt_on must be one of info, .*, not 'x'",
        ),
        ("[[job]]\ndataset = 'a'\nfiles = {t = 5}", "the file 't' must be a path, not 5"),
        ("[[job]]\ndataset = 'a'\nfiles = 'jobs.toml'", "jobs.toml' is a file: give a folder, or"),
        ("[[job]]\ndataset = 'a'\nfiles = 'none'", "cannot be loaded"),
        ("[[job]]\ndataset = 'a'\nfiles = {}", "has no files"),
        ("[[job", "cannot be read"),
    ],
)
def test_what_is_written_otherwise_is_refused(write, text, said):
    with pytest.raises(BatchError, match=said):
        read_jobs(write(text))


def test_an_inbox_has_a_folder_for_each_dataset(tmp_path):
    for name in ("b", "a"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "sales.csv").touch()
    assert [(job.dataset, [name for name, _ in job.paths]) for job in read_jobs(tmp_path)] == [
        ("a", ["sales"]),
        ("b", ["sales"]),
    ]
    (tmp_path / "stray.csv").touch()
    with pytest.raises(BatchError, match=r"stray.csv' is no folder"):
        read_jobs(tmp_path)
