"""CSV: one table per file, whose text is read first and converted column by column."""
