"""Transformers: frames in, frames out."""

from algomancy_data.transformer.base import NoopTransformer, Transformer
from algomancy_data.transformer.cascade import CascadeDropTransformer, CascadeSnapshot
from algomancy_data.transformer.clean import CleanTransformer
from algomancy_data.transformer.empty import drop_empty, fill_empty
from algomancy_data.transformer.join import JoinTransformer
from algomancy_data.transformer.optional import OptionalColumnGuard
from algomancy_data.transformer.sequence import TransformationSequence

__all__ = [
    "CascadeDropTransformer",
    "CascadeSnapshot",
    "CleanTransformer",
    "JoinTransformer",
    "NoopTransformer",
    "OptionalColumnGuard",
    "TransformationSequence",
    "Transformer",
    "drop_empty",
    "fill_empty",
]
