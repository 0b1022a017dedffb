"""Tags for the extension's templates."""
