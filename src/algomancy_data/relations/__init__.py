"""Relations between tables, and what it means that a key of one occurs in the other."""

from algomancy_data.relations.declared import (
    Relation,
    merge_relations,
    resolve_relations_from_schemas,
)

__all__ = ["Relation", "merge_relations", "resolve_relations_from_schemas"]
