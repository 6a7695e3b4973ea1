"""Alembic's entry: migrates the tables of our one metadata with the application's own engine."""

from alembic import context
from flask import current_app

from app.extensions import db


def unchanged(_context, _inspected, _metadata, __inspected_type, metadata_type) -> bool | None:
    """Our byte types read back as plain binary: no change. None leaves all else to Alembic."""
    if type(metadata_type).__module__ == "app.models.base":
        return False
    return None


def run() -> None:
    with db.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            **{**current_app.extensions["migrate"].configure_args, "render_as_batch": True, "compare_type": unchanged},
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()


run()
