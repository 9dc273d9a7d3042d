"""By which names a query finds a table: its own if that is clear, and always the whole one."""

from __future__ import annotations

from algomancy_data.sql_names import tables_by_name, words_of


def test_a_table_of_one_dataset_has_its_own_name_and_one_of_several_has_not():
    assert tables_by_name({"a": ["t", "u"], "b": ["t"]}) == {
        "u": ("a", "u"),
        "a.t": ("a", "t"),
        "a.u": ("a", "u"),
        "b.t": ("b", "t"),
    }


def test_a_name_that_could_be_that_of_two_tables_is_none_s():
    assert tables_by_name({"a": ["t"], "b": ["a.t"]}) == {"t": ("a", "t"), "b.a.t": ("b", "a.t")}
    assert tables_by_name({"a": ["T"], "A": ["t"]}, str.lower) == {}


def test_words_are_found_quoted_or_not_and_not_in_texts_and_comments():
    sql = """SELECT x /* no */ FROM "a ""b"".t" JOIN u ON y = 'not ''v''' -- nor w"""
    assert words_of(sql) == {"SELECT", "x", "FROM", 'a "b".t', "JOIN", "u", "ON", "y"}
