"""Horizon's settings: those that are the same in every cloud; the others are read from settings.json.

What the static files depend on (web root, theme, panels) is the same in every cloud, so that they are generated once
for each release. Panels of services that a cloud does not have are hidden by their own permissions.
"""

from __future__ import annotations

import importlib.util
import json
import os
import warnings
from pathlib import Path

from openstack_dashboard.defaults import LAUNCH_INSTANCE_DEFAULTS, OPENSTACK_CINDER_FEATURES, POLICY_DIRS
from openstack_dashboard.local import enabled as _enabled  # names without _ become settings

from onestack_runtime import contract as _contract
from onestack_runtime import paths as _paths

_KEPT = _paths.LIB / "horizon"
(_CLOUD,) = _paths.configuration("horizon")

DEBUG = False
WEBROOT = f"/{_contract.API_PATHS['horizon']}/"
STATIC_ROOT = os.environ.get(_contract.STATIC_ROOT, _contract.DASHBOARD)
COMPRESS_OFFLINE = True
AVAILABLE_THEMES = [("default", "Default", "themes/default")]

# Further dashboards, each with a folder of `enabled` files; upstream has those copied into Horizon's own folder.
_FURTHER = ("octavia_dashboard",)
for _name in _FURTHER:
    _found = importlib.util.find_spec(_name)
    if _found is not None and _found.origin is not None:
        _enabled.__path__.append(str(Path(_found.origin).with_name("enabled")))

# The API gateway may be reached by any name (through a tunnel, by address, by a company's DNS name); and Horizon
# sends no mail with links that a forged Host header could redirect.
ALLOWED_HOSTS = ["*"]

# In files: the catalogue does not fit into a cookie, and sessions in memory would not survive a restart.
SESSION_ENGINE = "django.contrib.sessions.backends.file"
SESSION_FILE_PATH = str(_KEPT / "sessions")
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = WEBROOT
# The header with the client's address, for the log of logins; the API gateway overwrites it in every request.
SECURE_PROXY_ADDR_HEADER = "HTTP_X_FORWARDED_FOR"
# A cache in memory suffices: there is only one process.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

OPENSTACK_KEYSTONE_MULTIDOMAIN_SUPPORT = True
OPENSTACK_KEYSTONE_DEFAULT_DOMAIN = "Default"
# AUTO would request each type of console from Nova in turn.
CONSOLE_TYPE = "VNC"
LAUNCH_INSTANCE_DEFAULTS = {**LAUNCH_INSTANCE_DEFAULTS, "create_volume": False}
OPENSTACK_CINDER_FEATURES = {**OPENSTACK_CINDER_FEATURES, "enable_backup": True}
# Folders with an operator's policy overrides; they do not exist.
POLICY_DIRS = {service: [] for service in POLICY_DIRS}

# Deprecation warnings of upstream's are of no use to an operator.
warnings.simplefilter("ignore", DeprecationWarning)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        # These loggers' own handlers would log everything twice.
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "django.server": {"handlers": [], "level": "INFO", "propagate": True},
        # It warns about a full connection pool at every display of the network topology.
        "urllib3": {"level": "ERROR"},
        **{
            name: {"level": "WARNING"}
            for name in (
                *("requests", "stevedore", "keystoneauth", "iso8601", "scss", "asyncio"),
                *("novaclient", "cinderclient", "neutronclient", "keystoneclient", "glanceclient"),
                *("openstack", "oslo_policy", "openstack_dashboard.api", "django.template"),
            )
        },
    },
}

# There is no cloud only while the static files are generated.
SECRET_KEY = "nothing is signed with this"
if _CLOUD.exists():
    globals().update(json.loads(_CLOUD.read_text()))
