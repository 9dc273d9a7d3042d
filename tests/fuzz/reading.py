"""All ways that a file goes into the package."""

from algomancy_data import DataSource, SimpleETLFactory, StatelessDataManager
from algomancy_data.inference import infer_schemas


class CheckedETLFactory(SimpleETLFactory):
    check_constraints = True


def read_everywhere(path, schema, data):
    """Write a file and read it: its text, an ETL, an inference, in turn what else there is.

    Raises:
        AlgomancyDataError: The first refusal, after all ways were tried.
    """
    path.write_bytes(data)
    manager = StatelessDataManager(CheckedETLFactory, [schema], "json", DataSource)
    files = manager.prepare_files(file_items_with_path=[(schema.file_name(), str(path))])
    result = manager.etl_data(files, "d")
    if result.raised is not None:
        raise result.raised
    return infer_schemas(path)
