"""TPC-H: eight related tables, the same bytes for the same scale factor on every machine."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Final

import polars as pl

from algomancy_data import (
    Column,
    CSVDialect,
    DataType,
    FileExtension,
    Schema,
    SchemaType,
    SimpleETLFactory,
)

_INTEGER, _STRING = DataType.INTEGER, DataType.STRING
_AMOUNT = pl.Decimal(15, 2)  # as its specification says
# Beside the interpreter, where the package installs it, whether or not that folder is on PATH.
_GENERATOR: Final = Path(sys.executable).with_name("tpchgen-cli")
_CACHE: Final = Path(tempfile.gettempdir())


class TPCHSchema(Schema):
    """What the eight files have in common."""

    _EXTENSION = FileExtension.CSV
    _SCHEMA_TYPE = SchemaType.SINGLE
    _CSV = CSVDialect(separator=",", decimal_mark=".")


class Region(TPCHSchema):
    _FILENAME = "region"
    REGIONKEY = Column("r_regionkey", _INTEGER, primary_key=True)
    NAME = Column("r_name", _STRING)
    COMMENT = Column("r_comment", _STRING)


class Nation(TPCHSchema):
    _FILENAME = "nation"
    NATIONKEY = Column("n_nationkey", _INTEGER, primary_key=True)
    NAME = Column("n_name", _STRING)
    REGIONKEY = Column("n_regionkey", _INTEGER, foreign_key=("region", "r_regionkey"))
    COMMENT = Column("n_comment", _STRING)


class Supplier(TPCHSchema):
    _FILENAME = "supplier"
    SUPPKEY = Column("s_suppkey", _INTEGER, primary_key=True)
    NAME = Column("s_name", _STRING)
    ADDRESS = Column("s_address", _STRING)
    NATIONKEY = Column("s_nationkey", _INTEGER, foreign_key=("nation", "n_nationkey"))
    PHONE = Column("s_phone", _STRING)
    ACCTBAL = Column("s_acctbal", _AMOUNT)
    COMMENT = Column("s_comment", _STRING)


class Customer(TPCHSchema):
    _FILENAME = "customer"
    CUSTKEY = Column("c_custkey", _INTEGER, primary_key=True)
    NAME = Column("c_name", _STRING)
    ADDRESS = Column("c_address", _STRING)
    NATIONKEY = Column("c_nationkey", _INTEGER, foreign_key=("nation", "n_nationkey"))
    PHONE = Column("c_phone", _STRING)
    ACCTBAL = Column("c_acctbal", _AMOUNT)
    MKTSEGMENT = Column("c_mktsegment", _STRING)
    COMMENT = Column("c_comment", _STRING)


class Part(TPCHSchema):
    _FILENAME = "part"
    PARTKEY = Column("p_partkey", _INTEGER, primary_key=True)
    NAME = Column("p_name", _STRING)
    MFGR = Column("p_mfgr", _STRING)
    BRAND = Column("p_brand", _STRING)
    TYPE = Column("p_type", _STRING)
    SIZE = Column("p_size", _INTEGER)
    CONTAINER = Column("p_container", _STRING)
    RETAILPRICE = Column("p_retailprice", _AMOUNT)
    COMMENT = Column("p_comment", _STRING)


class PartSupp(TPCHSchema):
    _FILENAME = "partsupp"
    PARTKEY = Column("ps_partkey", _INTEGER, primary_key=True, foreign_key=("part", "p_partkey"))
    SUPPKEY = Column(
        "ps_suppkey", _INTEGER, primary_key=True, foreign_key=("supplier", "s_suppkey")
    )
    AVAILQTY = Column("ps_availqty", _INTEGER)
    SUPPLYCOST = Column("ps_supplycost", _AMOUNT)
    COMMENT = Column("ps_comment", _STRING)


class Orders(TPCHSchema):
    _FILENAME = "orders"
    ORDERKEY = Column("o_orderkey", _INTEGER, primary_key=True)
    CUSTKEY = Column("o_custkey", _INTEGER, foreign_key=("customer", "c_custkey"))
    ORDERSTATUS = Column("o_orderstatus", _STRING)
    TOTALPRICE = Column("o_totalprice", _AMOUNT)
    ORDERDATE = Column("o_orderdate", pl.Date)
    ORDERPRIORITY = Column("o_orderpriority", _STRING)
    CLERK = Column("o_clerk", _STRING)
    SHIPPRIORITY = Column("o_shippriority", _INTEGER)
    COMMENT = Column("o_comment", _STRING)


class LineItem(TPCHSchema):
    """The large one; that its part and its supplier exist follows from its partsupp."""

    _FILENAME = "lineitem"
    ORDERKEY = Column(
        "l_orderkey", _INTEGER, primary_key=True, foreign_key=("orders", "o_orderkey")
    )
    PARTKEY = Column("l_partkey", _INTEGER, foreign_key=("partsupp", "ps_partkey"))
    SUPPKEY = Column("l_suppkey", _INTEGER, foreign_key=("partsupp", "ps_suppkey"))
    LINENUMBER = Column("l_linenumber", _INTEGER, primary_key=True)
    QUANTITY = Column("l_quantity", _AMOUNT)
    EXTENDEDPRICE = Column("l_extendedprice", _AMOUNT)
    DISCOUNT = Column("l_discount", _AMOUNT)
    TAX = Column("l_tax", _AMOUNT)
    RETURNFLAG = Column("l_returnflag", _STRING)
    LINESTATUS = Column("l_linestatus", _STRING)
    SHIPDATE = Column("l_shipdate", pl.Date)
    COMMITDATE = Column("l_commitdate", pl.Date)
    RECEIPTDATE = Column("l_receiptdate", pl.Date)
    SHIPINSTRUCT = Column("l_shipinstruct", _STRING)
    SHIPMODE = Column("l_shipmode", _STRING)
    COMMENT = Column("l_comment", _STRING)


SCHEMAS: Final[list[type[Schema]]] = [
    Region,
    Nation,
    Supplier,
    Customer,
    Part,
    PartSupp,
    Orders,
    LineItem,
]


class CheckedETLFactory(SimpleETLFactory):
    """Every check that the schemas declare."""

    check_constraints = True
    check_foreign_keys = True


def csv_files(scale_factor: float) -> dict[str, Path]:
    """Return the CSV file of each table; they are made once and kept in the temporary folder.

    Raises:
        CalledProcessError: The generator failed.
    """
    folder = _CACHE / f"algomancy-tpch-{version('tpchgen-cli')}-sf{scale_factor:g}"
    if not folder.exists():
        _generate(scale_factor, folder)
    return {schema.file_name(): folder / f"{schema.file_name()}.csv" for schema in SCHEMAS}


def _generate(scale_factor: float, folder: Path) -> None:
    """Make the folder complete or not at all, whoever else makes it at the same time."""
    scratch = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", dir=folder.parent))
    try:
        arguments = ["csv", "--scale-factor", f"{scale_factor:g}", "--output-dir", str(scratch)]
        subprocess.run([_GENERATOR, *arguments, "--quiet"], check=True)  # noqa: S603  a program that is installed with the bench
        try:
            scratch.rename(folder)
        except OSError:
            if not folder.exists():  # else another process was faster, with the same bytes
                raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
