"""Inference of schemas from files: what a person would declare after a thorough look."""

from algomancy_data.inference.schemas import InferredSchemas, infer_schemas

__all__ = ["InferredSchemas", "infer_schemas"]
