"""SQLAlchemy loads relationships only from tables that contain rows (see `empty_tables`)."""

from __future__ import annotations

from typing import Any

from onestack_runtime.replacements import empty_tables
from onestack_runtime.replacements.entry import Replacement, of_server

EMPTY_TABLES = "empty-tables"


def _is_empty(loader: Any, session: Any) -> bool:
    """Whether a table that the loader reads is empty for the session's transaction: then it would load no rows."""
    tables = (loader.mapper.local_table, loader.parent_property.secondary)
    names = [table.name for table in tables if table is not None]
    return any(empty_tables.EMPTY.are_empty(session, (name,)) for name in names)


def _eager_loader(original: Any) -> Any:
    """SQLAlchemy's own `create_row_processor`, unless its table is empty: then the relationship is set to empty."""
    from sqlalchemy.orm import attributes

    def create_row_processor(self: Any, *args: Any) -> None:
        context, populators = args[0], args[-1]
        eager = context.compile_state.compile_options._enable_eagerloads
        if not eager or not _is_empty(self, context.session):
            original(self, *args)
            return

        def set_empty(state: Any, loaded: Any, row: Any) -> None:
            if self.uselist:
                attributes.init_state_collection(state, loaded, self.key)
            else:
                loaded[self.key] = None

        # As with SQLAlchemy's `noload`: for objects that are new to the session, or refreshed.
        populators["new"].append((self.key, set_empty))

    return create_row_processor


def _lazy_loader(original: Any) -> Any:
    """Lazy loading, one query for each object. Neutron uses all relationships of a new object when it commits it."""
    from sqlalchemy.orm.base import LoaderCallableStatus, PassiveFlag

    def _emit_lazyload(self: Any, session: Any, state: Any, identity: Any, passive: Any, *more: Any) -> Any:
        if self._raise_on_sql:
            return original(self, session, state, identity, passive, *more)
        if _is_empty(self, session) and state.key and not passive & PassiveFlag.NO_AUTOFLUSH:
            # The query would flush pending rows first, and then find them.
            session._autoflush()
        if not _is_empty(self, session):
            return original(self, session, state, identity, passive, *more)
        if self.key in state.dict and not passive & PassiveFlag.DEFERRED_HISTORY_LOAD:
            return LoaderCallableStatus.ATTR_WAS_SET
        return [] if self.uselist else None

    return _emit_lazyload


def _loaders(selectin: Any, subquery: Any, lazy: Any) -> tuple[Any, ...]:
    return _eager_loader(selectin), _eager_loader(subquery), _lazy_loader(lazy)


_STRATEGIES = "sqlalchemy.orm.strategies"

ENTRIES = (
    Replacement(
        EMPTY_TABLES,
        (
            f"{_STRATEGIES}:SelectInLoader.create_row_processor",
            f"{_STRATEGIES}:SubqueryLoader.create_row_processor",
            f"{_STRATEGIES}:LazyLoader._emit_lazyload",
        ),
        ("neutron",),
        "performance",
        "each transaction queries once which tables are empty for it, and loads no related rows from those",
        _loaders,
        of_server("13.1 ± 0.9", "16.6 ± 1.4"),
        uses=(
            f"{_STRATEGIES}:NoLoader.create_row_processor",
            f"{_STRATEGIES}:LazyLoader._load_for_state",
            "sqlalchemy.orm.attributes:init_state_collection",
            "sqlalchemy.orm.session:Session._autoflush",
            "sqlalchemy.orm.session:Session.get_transaction",
            "sqlalchemy.engine.base:Connection.get_transaction",
        ),
        workers=("api",),
    ),
)
