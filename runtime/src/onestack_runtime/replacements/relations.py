"""SQLAlchemy asks for related rows only in tables that hold some (see `empty_tables`)."""

from __future__ import annotations

from typing import Any

from onestack_runtime.replacements import empty_tables
from onestack_runtime.replacements.entry import NOT_ALONE, Replacement

SELDOM_FILLED = frozenset(
    {
        "floatingipdnses",
        "networkdnsdomains",
        "networkpvlan",
        "portdataplanestatuses",
        "portdeviceprofiles",
        "portdnses",
        "portnumaaffinitypolicies",
        "portpvlan",
        "portuplinkstatuspropagation",
        "qos_fip_policy_bindings",
        "qos_network_policy_bindings",
        "qos_port_policy_bindings",
        "qos_router_gw_policy_bindings",
        "subnet_bgp_leak_routes",
        "subnet_dns_publish_fixed_ips",
    }
)
"""Tables that Neutron joins to its queries for ports, networks, subnets and routers, and few clouds fill.

None whose ids come from requests: the database takes the same id in capitals for the same, SQLAlchemy, which puts the
rows together where they are not joined, does not.
"""
EMPTY_TABLES = "empty-tables"
_SELECTIN = (("lazy", "selectin"),)
_JOINED = ((("lazy", "joined"),), (("lazy", False),))


def _nothing_for(loader: Any, session: Any) -> bool:
    """Whether a loader would find nothing, since a table that it reads is empty for the session's transaction."""
    related = (loader.mapper.local_table, loader.parent_property.secondary)
    names = [table.name for table in related if table is not None]
    return any(empty_tables.EMPTY.are_empty(session, (name,)) for name in names)


def _row_processor(original: Any) -> Any:
    """What SQLAlchemy's own does, unless it would find nothing: then what it loads is set so at once."""
    from sqlalchemy.orm import attributes

    def create_row_processor(self: Any, *where: Any) -> None:
        context = where[0]
        wanted = context.compile_state.compile_options._enable_eagerloads
        if not wanted or not _nothing_for(self, context.session):
            original(self, *where)
            return

        def nothing(state: Any, loaded: Any, row: Any) -> None:
            if self.uselist:
                attributes.init_state_collection(state, loaded, self.key)
            else:
                loaded[self.key] = None

        # As SQLAlchemy's `noload`: for objects that are new to the session, or loaded again.
        where[-1]["new"].append((self.key, nothing))

    return create_row_processor


def _emit(original: Any) -> Any:
    """By a query for one object, when first used: Neutron uses all relations of a new object at its commit."""
    from sqlalchemy.orm.base import LoaderCallableStatus, PassiveFlag

    def _emit_lazyload(self: Any, session: Any, state: Any, identity: Any, passive: Any, *more: Any) -> Any:
        if self._raise_on_sql:
            return original(self, session, state, identity, passive, *more)
        if _nothing_for(self, session) and state.key and not passive & PassiveFlag.NO_AUTOFLUSH:
            # The query would first write down what waits for it, and find it then.
            session._autoflush()
        if not _nothing_for(self, session):
            return original(self, session, state, identity, passive, *more)
        if self.key in state.dict and not passive & PassiveFlag.DEFERRED_HISTORY_LOAD:
            return LoaderCallableStatus.ATTR_WAS_SET
        return [] if self.uselist else None

    return _emit_lazyload


def _loaders(selectin: Any, subquery: Any, lazy: Any) -> tuple[Any, ...]:
    return _row_processor(selectin), _row_processor(subquery), _emit(lazy)


def _strategy(original: Any) -> tuple[Any, ...]:
    from sqlalchemy.orm import RelationshipProperty

    def _get_strategy(self: Any, key: Any) -> Any:
        if key in _JOINED and isinstance(self, RelationshipProperty) and self.strategy_key == key:
            table: Any = self.mapper.local_table
            if table.name in SELDOM_FILLED:
                key = _SELECTIN
        return original(self, key)

    return (_get_strategy,)


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
        "each transaction asks once which tables are empty for it, and does not ask for related rows in those",
        _loaders,
        f"the queries took four tenths of Neutron's time; {NOT_ALONE}",
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
    Replacement(
        "seldom-filled-tables",
        ("sqlalchemy.orm.interfaces:StrategizedProperty._get_strategy",),
        ("neutron",),
        "performance",
        "tables that few clouds fill are not joined to each query, but asked for apart where they hold rows",
        _strategy,
        "with `empty-tables`",
        uses=("sqlalchemy.orm.interfaces:StrategizedProperty._strategy_lookup",),
        workers=("api",),
    ),
)
