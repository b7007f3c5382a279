"""2026.1: Glance and Cinder import eventlet, and Cinder knows no native threads; Nova counts no work in progress."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from onestack_runtime.series import Series


def _run(function: Callable[..., Any], *args: Any, **named: Any) -> Any:
    return function(*args, **named)


def _as_it_is(wrapped: Any, **how: Any) -> Any:
    return wrapped


def _nothing(*args: Any, **named: Any) -> None:
    pass


class Pool:
    """Stands for eventlet's GreenPool: each function runs in a native thread."""

    def __init__(self, size: int = 1000) -> None:
        self._started: list[threading.Thread] = []

    def spawn(self, function: Callable[..., Any], *args: Any, **named: Any) -> threading.Thread:
        thread = threading.Thread(target=function, args=args, kwargs=named, daemon=True)
        thread.start()
        self._started = [each for each in self._started if each.is_alive()] + [thread]
        return thread

    spawn_n = spawn

    def waitall(self) -> None:
        for each in self._started:
            each.join()


def cinder_threads() -> None:
    """Have the names of eventlet that Cinder uses stand for native threads."""
    import time

    import eventlet
    import eventlet.greenpool
    import eventlet.patcher
    import eventlet.tpool
    from oslo_service import backend

    backend.init_backend(backend.BackendType.THREADING)
    eventlet.monkey_patch = eventlet.patcher.monkey_patch = _nothing
    eventlet.sleep = time.sleep
    eventlet.tpool.execute = _run
    eventlet.tpool.Proxy = _as_it_is
    eventlet.tpool.set_num_threads = _nothing
    eventlet.GreenPool = eventlet.greenpool.GreenPool = Pool
    import oslo_messaging

    upstream = oslo_messaging.get_rpc_server

    def get_rpc_server(*args: Any, **named: Any) -> Any:
        # Cinder asks for eventlet's executor by name.
        return upstream(*args, **{**named, "executor": "threading"})

    oslo_messaging.get_rpc_server = get_rpc_server


def before_maintenance(driver: Any) -> None:
    """Maintenance locks the connection that it is given. Here that is the API's, which a lock would stop."""
    driver._ovn_client._nb_idl.idl.set_lock = _nothing


def nova_finishes(service: Any, seconds: float) -> None:
    """Wait for the messages that the service works on."""
    waiting = threading.Thread(target=service.rpcserver.wait, daemon=True)
    waiting.start()
    waiting.join(seconds)


SERIES = Series(
    "2026.1",
    digests={
        # Without annotations the two are the same but for a last `return None`.
        "oslo_config.cfg:_search_dirs": "af8b1c675439",
        "oslo_policy.policy:Enforcer._get_policy_path": "32c89ab287bc",
        # They differ in what is replaced: the options of sockets; in when probes begin; in attributes for encrypted
        # memory; in the name of the function that reads the tree; in the name of the one that adds a timer.
        "keystoneauth1.session:TCPKeepAliveAdapter.init_poolmanager": "5ca6db5eb2e5",
        "nova.virt.libvirt.host:Host.__init__": "1d5ddd42a5e8",
        "nova.compute.resource_tracker:ResourceTracker._update_to_placement": "795d71670d01",
        "cinder.service:Service.start": "6f35dc81ba77",
        # They differ for subclasses of a mapped class whose path is that of its base; Neutron has none.
        "sqlalchemy.orm.strategies:SelectInLoader.create_row_processor": "0e1b845124d5",
        "sqlalchemy.orm.strategies:SubqueryLoader.create_row_processor": "475f8823bf5f",
    },
    imports_eventlet=True,
    boot_server={},
    cinder_threads=cinder_threads,
    before_maintenance=before_maintenance,
    nova_drains=_nothing,
    nova_finishes=nova_finishes,
)
