"""``algomancy-data ls``: which datasets there are."""

from __future__ import annotations

from algomancy_data.cli import options
from algomancy_data.cli.declarations import making
from algomancy_data.cli.running import running
from algomancy_data.cli.settings import Settings
from algomancy_data.cli.stores import Place, opened


def ls(
    store: options.Store = None,
    session: options.Session = None,
    as_json: options.AsJson = False,
    verbose: options.Verbose = False,
) -> None:
    """List the datasets of a store.

    Example: `algomancy-data ls --store sqlite:///data.db --session demo`
    """
    with running("ls", as_json=as_json, verbose=verbose) as output:
        settings = Settings({"store": store, "session": session})
        place = Place(settings.require("store"), settings.session)
        with opened(place, output, making(settings)) as manager:
            names = manager.get_data_keys()
        output.result(
            {**place.describe(), "datasets": [{"name": name} for name in names]},
            *names,
        )
