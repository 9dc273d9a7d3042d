"""Datasets are derived, deleted, exported and verified at the prompt."""

from __future__ import annotations

import zipfile

import polars as pl
import sqlalchemy as sa

from algomancy_data.testing import assert_identical


def test_derived_exported_and_deleted(run, filled, source, tmp_path):
    assert run("derive", "a", "b", *filled.flags).out == "Derived 'b' from 'a'.\n"
    shown = run("show", "b", *filled.flags, "--json").json
    assert (shown["type"], shown["provenance"]["derived_from"]) == ("derived_data", "a")
    assert run("export", "b", "out", *filled.flags).code == 0
    assert_identical(pl.read_parquet(tmp_path / "out" / "t.parquet"), source().get_table("t"))
    exported = run("export", "b", "out.zip", "--format", "csv", *filled.flags, "--json")
    assert (exported.json["path"], exported.json["format"]) == ("out.zip", "csv")
    assert sorted(zipfile.ZipFile(tmp_path / "out.zip").namelist()) == ["dataset.json", "t.csv"]
    again = run("export", "b", "out", *filled.flags)
    assert again.code == 2
    assert "'out' is there already. Give another name, or --overwrite." in again.err
    assert run("export", "b", "out", "--overwrite", *filled.flags).code == 0
    assert run("rm", "a", "b", "--yes", *filled.flags, "--json").json["deleted"] == ["a", "b"]
    assert run("ls", *filled.flags).out == "No datasets.\n"


def test_a_database_is_verified_and_repaired(run, filled, source):
    clean = run("verify", *filled.flags)
    assert (clean.code, clean.out) == (
        0,
        "1 dataset verified, 0 damages, 0 leftovers, 0 removed.\n",
    )
    manager = filled.manager()
    manager.add_data_source(source("lost"))
    prefix = f"ds__{filled.session}"
    with manager.engine.begin() as connection:
        connection.execute(sa.text(f"DELETE FROM {prefix}__a__t WHERE x = 2"))
        connection.execute(sa.text("DELETE FROM algomancy_datasets WHERE name = 'lost'"))
        connection.execute(sa.text(f"CREATE TABLE {prefix}__my__copy (x int)"))
    manager.close()
    found = run("verify", *filled.flags, "--json")
    assert found.code == 1
    assert found.json["damages"] == [
        {
            "dataset": "a",
            "path": f"{prefix}__a__t",
            "problem": f"Table '{prefix}__a__t' has 2 rows instead of 3.",
        }
    ]
    assert {one["path"]: one["is_proven"] for one in found.json["leftovers"]} == {
        f"{prefix}__lost__t": True,
        f"{prefix}__my__copy": False,
    }
    repaired = run("verify", "--repair", *filled.flags)
    assert repaired.code == 1
    assert "1 damage, 1 leftover, 1 removed." in repaired.out
    assert run("rm", "a", "--yes", *filled.flags).code == 0
    assert run("verify", *filled.flags).code == 0


def test_a_folder_is_verified(run, folder, source, tmp_path):
    for name in ("a", "b"):
        folder.add_data_source(source(name))
    assert run("verify", "--store", "folder").code == 0
    table = next((tmp_path / "folder" / ".algomancy-data").glob("a.*/*.arrow"))
    content = bytearray(table.read_bytes())
    content[len(content) // 2] ^= 1
    table.write_bytes(content)
    done = run("verify", "--store", "folder", "--json")
    assert done.code == 1
    assert [one["dataset"] for one in done.json["damages"]] == ["a"]
    assert run("verify", "b", "--store", "folder").code == 0
