"""What an outcome means: reply and stage in, verdict out."""
