import pytest

from algomancy_data import errors


@pytest.mark.parametrize(
    ("error", "builtins"),
    [
        (errors.DatasetNotFoundError, (AssertionError, KeyError)),
        (errors.DatasetExistsError, (AssertionError, ValueError)),
        (errors.SchemaDriftError, (RuntimeError,)),
        (errors.FileContentError, (ValueError,)),
        (errors.SerializationError, (ValueError, KeyError)),
        (errors.TableNotFoundError, (KeyError,)),
        (errors.FrameError, (TypeError,)),
        (errors.SchemaNotDeclaredError, (NotImplementedError,)),
        (errors.SchemaKindError, (TypeError, ValueError, AssertionError)),
        (errors.UndeclaredTableError, (errors.ValidationError, AssertionError)),
        (errors.InvalidSchemaError, (ValueError, AssertionError)),
        (errors.UnknownSubschemaError, (ValueError,)),
        (errors.MissingExtraError, (ImportError,)),
        (errors.UnstorableError, (ValueError, TypeError)),
    ],
)
def test_an_error_is_also_the_builtin_that_callers_catch(error, builtins):
    assert issubclass(error, (errors.AlgomancyDataError, *builtins))
    for builtin in builtins:
        assert issubclass(error, builtin)


def test_an_error_shows_its_message_even_where_it_is_a_key_error():
    error = errors.DatasetNotFoundError.from_available("x", ["a", "b"])
    assert str(error) == "Data 'x' not found. Datasets: 'a', 'b'."


def test_a_long_list_of_names_is_cut():
    error = errors.TableNotFoundError.from_available("x", [str(number) for number in range(100)])
    assert str(error).endswith("'19' and 80 more.")
