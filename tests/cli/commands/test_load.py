"""Files are checked and loaded at the prompt."""

from __future__ import annotations

import json

import polars as pl

from algomancy_data.testing import assert_identical

ORDERS = pl.DataFrame({"order_id": [1, 2, 3], "customer_id": [1, 1, 2], "amount": [9.5, 3, 0.25]})


def test_good_files_are_loaded_and_loaded_again(run, files, store):
    done = run("load", "shop", *files, *store.flags)
    assert done.code == 0, done.err
    assert "Loaded 'shop': 2 tables, 5 rows." in done.out
    assert "persist 'shop': 5 rows" in done.err
    again = run("load", "shop", *files, *store.flags, "--no-overlap", "--json").json
    assert again["tables"] == {"orders": 3, "customers": 2}
    assert (again["status"], again["exit_code"]) == ("success", 0)
    assert {finding["severity"] for finding in again["findings"]} == {"INFO"}
    assert [phase["phase"] for phase in again["phases"]][-1] == "persist"
    manager = store.manager()
    assert_identical(manager.get_data("shop").get_table("orders"), ORDERS)
    manager.close()


def test_bad_files_leave_what_is_there_and_go_in_with_a_quarantine(run, files, bad_files, store):
    assert run("load", "shop", *files, *store.flags).code == 0
    refused = run("load", "shop", *bad_files, *store.flags)
    assert refused.code == 1
    for code in ("PK_DUPLICATE", "NULL_VALUE", "FK_VIOLATION", "CONVERSION_FAILED"):
        assert code in refused.out
    assert "Refused: 'shop' is as it was." in refused.out
    manager = store.manager()
    assert_identical(manager.get_data("shop").get_table("orders"), ORDERS)
    taken = run("load", "shop", *bad_files, *store.flags, "--quarantine", "--json")
    assert taken.code == 0
    assert taken.json["quarantined"] == {"orders": 3}
    assert taken.json["tables"]["orders"] == 1
    assert manager.get_data("shop").get_table("orders").rows() == [(1, 1, 9.5)]
    assert run("load", "shop", *bad_files, *store.flags, "--halt-on", "critical").code == 0
    assert manager.get_data("shop").get_table("orders").height == 4
    manager.close()


def test_rows_are_added_to_what_is_there(run, files, store, tmp_path):
    assert run("load", "shop", *files, *store.flags, "--append").code == 0
    flags = [*files[2:], *store.flags]
    more = tmp_path / "more.csv"
    more.write_text((tmp_path / "orders.csv").read_text().splitlines()[0] + "\n4;1;2,5\n")
    done = run("load", "shop", f"orders={more}", *flags, "--append")
    assert done.code == 0, done.out + done.err
    assert "Added to 'shop': 1 row more." in done.out
    again = run("load", "shop", f"orders={more}", *flags, "--append")
    assert again.code == 1
    assert "was loaded into data 'shop'" in again.err
    skipped = run(
        "load", "shop", f"orders={more}", *flags, "--append", "--skip-repeated", "--json"
    ).json
    assert (skipped["added"], skipped["skipped"]) == ({}, ["orders"])
    more.write_text(more.read_text() + "5;2;1,0\n")
    assert "KEY_STORED" in run("load", "shop", f"orders={more}", *flags, "--append").out
    upserted = run("load", "shop", f"orders={more}", *flags, "--upsert")
    assert "Added to 'shop': 1 row more, 1 row replaced." in upserted.out
    manager = store.manager()
    assert manager.get_table("shop", "orders")["order_id"].to_list() == [1, 2, 3, 4, 5]
    manager.close()


def test_into_a_folder(run, files, tmp_path):
    assert run("load", "shop", *files, "--store", "made/here").code == 0
    listed = run("ls", "--store", "made/here", "--json").json["datasets"]
    assert [(one["name"], one["rows"], one["session"]) for one in listed] == [("shop", 5, None)]
    assert (tmp_path / "made" / "here" / "shop.json").is_file()


def kept(folder):
    """Return all files in a folder but what Python compiled of the schemas."""
    return sorted(path for path in folder.rglob("*") if "__pycache__" not in path.parts)


def test_a_check_keeps_nothing_and_reports(run, files, bad_files, tmp_path):
    before = kept(tmp_path)
    good = run("check", *files)
    assert (good.code, good.out) == (
        0,
        "Nothing was found to be wrong.\nThe data can be loaded.\n",
    )
    assert kept(tmp_path) == before
    bad = run("check", *bad_files, "--report", "report.html", "--json")
    assert (bad.code, bad.json["status"]) == (1, "failed")
    counts = {one["code"]: one["count"] for one in bad.json["findings"]}
    assert counts["FK_VIOLATION"] == 1
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "FK_VIOLATION" in page
    assert ">0.25<" not in page
    assert run("check", *bad_files, "--report", "report.json").code == 1
    findings = json.loads((tmp_path / "report.json").read_text())["findings"]
    assert findings == bad.json["findings"]
    assert run("check", *bad_files, "--halt-on", "critical").code == 0


def test_files_can_have_names_and_parts(run, files, tmp_path):
    (tmp_path / "parts").mkdir()
    for number in (1, 2):
        row = f"{number};1;{number}.5"
        (tmp_path / "parts" / f"{number}.csv").write_text(f"order_id;customer_id;amount\n{row}\n")
    (tmp_path / "customers.csv").rename(tmp_path / "people.csv")
    arguments = ("customers=people.csv", "orders=parts/*.csv", *files[2:], "--store", "out")
    for options in ((), ("--workers", "2")):
        done = run("load", "shop", *arguments, "--json", *options)
        assert done.json["tables"] == {"customers": 2, "orders": 2}


def test_a_damaged_file_is_refused_data(run, files, tmp_path):
    (tmp_path / "orders.csv").write_bytes(b"PK\x03\x04" + bytes(range(256)) * 9)
    done = run("check", *files)
    assert done.code == 1
    assert "EXTRACTION_FAILED" in done.out


def test_schemas_can_be_a_package_and_the_factory_ones_own(run, files, tmp_path):
    package = tmp_path / "shop"
    package.mkdir()
    (package / "__init__.py").touch()
    (tmp_path / "schemas.py").rename(package / "schemas.py")
    (package / "etl.py").write_text(
        "from algomancy_data import CleanTransformer, SimpleETLFactory\n"
        "class Factory(SimpleETLFactory):\n"
        "    pass\n"
    )
    done = run(
        *("check", "bad", files[1], "--schemas", "shop.schemas", "--factory", "shop.etl:Factory"),
        "--json",
    )
    codes = {one["code"] for one in done.json["findings"]}
    assert "PK_DUPLICATE" in codes
    assert "FK_VIOLATION" not in codes


def test_schemas_are_inferred_and_load_the_files(run, files, tmp_path):
    inferred = run("infer", "orders.csv", "customers.csv")
    assert inferred.code == 0
    assert "customer_id -> customers.customer_id" in inferred.err
    (tmp_path / "inferred.py").write_text(inferred.out)
    done = run("check", *files[:2], "--schemas", "inferred.py")
    assert (done.code, done.out.splitlines()[-1]) == (0, "The data can be loaded.")
    as_json = run("infer", "people=customers.csv", "--json").json
    assert 'FILENAME = "people"' in as_json["module"]
    assert run("infer", "gone.csv").code == 2


def test_schemas_of_a_directory_have_a_table_per_file_as_loading_it_has(run, files, tmp_path):
    folder = tmp_path / "delivery"
    folder.mkdir()
    for name in ("orders", "customers"):
        (tmp_path / f"{name}.csv").rename(folder / f"{name}.csv")
    inferred = run("infer", "delivery")
    assert inferred.code == 0, inferred.err
    assert [line.partition(":")[0] for line in inferred.err.splitlines()] == ["customers", "orders"]
    (tmp_path / "inferred.py").write_text(inferred.out)
    assert run("check", "delivery", "--schemas", "inferred.py").code == 0
    as_parts = run("infer", "delivery=delivery/cust*", "--json").json
    assert as_parts["tables"][0].startswith("delivery: ")


def test_what_a_directory_may_mean_is_said(run, files, tmp_path):
    (tmp_path / "sales" / "year=2024").mkdir(parents=True)
    (tmp_path / "sales" / "year=2024" / "a.csv").write_text("id;x\n1;2\n")
    refused = run("infer", "sales")
    assert refused.code == 2
    assert "name=sales" in refused.err
    assert run("infer", "sales=sales").code == 0


def test_two_files_of_one_name_are_refused_also_where_one_of_them_is_named(run, files, tmp_path):
    refused = run("infer", "orders=customers.csv", "orders.csv")
    assert refused.code == 2
    assert "are both named 'orders'" in refused.err


def test_what_a_file_is_can_be_told(run, files, tmp_path):
    (tmp_path / "t.txt").write_text("id\tkind\n" + "".join(f"{n}\ta b\n" for n in range(9)))
    assert run("infer", "t.txt").code == 2
    inferred = run("infer", "t.txt", "--format", "csv", "--separator", r"\t", "--enums")
    assert inferred.code == 0, inferred.err
    assert r'CSVDialect(separator="\t")' in inferred.out
    assert 'pl.Enum(["a b"])' in inferred.out
    (tmp_path / "inferred.py").write_text(inferred.out)
    assert run("check", "t.txt", "--schemas", "inferred.py").code == 0
