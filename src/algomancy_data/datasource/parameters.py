"""Parameter sets of a DataSource: the framework's own where it is installed, else a minimum."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:

    class BaseParameterSet:
        """A named set of parameters."""

        def __init__(self, name: str) -> None: ...

    class EmptyParameters(BaseParameterSet):
        """A parameter set without parameters."""

        def __init__(self, name: str = ...) -> None: ...

else:
    try:
        from algomancy_utils.baseparameterset import BaseParameterSet, EmptyParameters
    except ImportError:

        class BaseParameterSet:
            """A named set of parameters; ``algomancy_utils`` has the complete one.

            Args:
                name: Name of the set.
            """

            def __init__(self, name: str) -> None:
                self.name = name

        class EmptyParameters(BaseParameterSet):
            """A parameter set without parameters.

            Args:
                name: Name of the set.
            """

            def __init__(self, name: str = "No parameters") -> None:
                super().__init__(name)


__all__ = ["BaseParameterSet", "EmptyParameters"]
