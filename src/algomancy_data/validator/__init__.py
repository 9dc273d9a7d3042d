"""Validators: frames in, messages out."""

from algomancy_data.errors import ValidationError
from algomancy_data.messages import ValidationMessage, ValidationSeverity
from algomancy_data.schema.table_names import schema_table_map
from algomancy_data.validator.base import DefaultValidator, Validator
from algomancy_data.validator.columns import (
    ExtractionSuccessVerification,
    RequiredColumnsValidator,
    SchemaValidator,
)
from algomancy_data.validator.constraints import ConstraintValidator
from algomancy_data.validator.foreign_key import ForeignKeyValidator
from algomancy_data.validator.primary_key import PrimaryKeyValidator
from algomancy_data.validator.result import ValidationResult
from algomancy_data.validator.rules import RuleValidator
from algomancy_data.validator.sequence import ValidationSequence
from algomancy_data.validator.values import MissingValueValidator, UniqueValueValidator

__all__ = [
    "ConstraintValidator",
    "DefaultValidator",
    "ExtractionSuccessVerification",
    "ForeignKeyValidator",
    "MissingValueValidator",
    "PrimaryKeyValidator",
    "RequiredColumnsValidator",
    "RuleValidator",
    "SchemaValidator",
    "UniqueValueValidator",
    "ValidationError",
    "ValidationMessage",
    "ValidationResult",
    "ValidationSequence",
    "ValidationSeverity",
    "Validator",
    "schema_table_map",
]
