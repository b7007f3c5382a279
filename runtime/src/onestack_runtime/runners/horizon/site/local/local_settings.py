"""Horizon's settings: those that are the same in every cloud; the others are read from settings.json.

What the static files depend on (web root, theme, panels) is the same in every cloud, so that they are made
once for a release. Panels of services that a cloud does not have are hidden by their own permissions.
"""

from __future__ import annotations

import importlib.util
import json
import os
import warnings
from pathlib import Path

from openstack_dashboard.defaults import LAUNCH_INSTANCE_DEFAULTS, OPENSTACK_CINDER_FEATURES, POLICY_DIRS
from openstack_dashboard.local import enabled as _enabled  # what has a name without _ becomes a setting

from onestack_runtime import contract as _contract
from onestack_runtime import paths as _paths

_KEPT = _paths.LIB / "horizon"
(_CLOUD,) = _paths.configuration("horizon")

DEBUG = False
WEBROOT = f"/{_contract.API_PATHS['horizon']}/"
STATIC_ROOT = os.environ.get(_contract.STATIC_ROOT, _contract.DASHBOARD)
COMPRESS_OFFLINE = True
AVAILABLE_THEMES = [("default", "Default", "themes/default")]

# Further dashboards, each with a folder of what it adds; upstream would have its files copied into Horizon's.
_FURTHER = ("octavia_dashboard",)
for _name in _FURTHER:
    _found = importlib.util.find_spec(_name)
    if _found is not None and _found.origin is not None:
        _enabled.__path__.append(str(Path(_found.origin).with_name("enabled")))

# The API gateway is reached by whatever name leads to it (a tunnel, an address, a name of the company's); Horizon
# mails no links that a forged name could spoil.
ALLOWED_HOSTS = ["*"]

# In files: a cookie has no room for a catalogue, and what lies in memory does not survive a restart.
SESSION_ENGINE = "django.contrib.sessions.backends.file"
SESSION_FILE_PATH = str(_KEPT / "sessions")
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = WEBROOT
# The client address that the log shows at a login; the API gateway overwrites this header in every request.
SECURE_PROXY_ADDR_HEADER = "HTTP_X_FORWARDED_FOR"
# One process: what it keeps in memory, no other can make stale.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

OPENSTACK_KEYSTONE_MULTIDOMAIN_SUPPORT = True
OPENSTACK_KEYSTONE_DEFAULT_DOMAIN = "Default"
# AUTO asks Nova for every kind of console in turn.
CONSOLE_TYPE = "VNC"
LAUNCH_INSTANCE_DEFAULTS = {**LAUNCH_INSTANCE_DEFAULTS, "create_volume": False}
OPENSTACK_CINDER_FEATURES = {**OPENSTACK_CINDER_FEATURES, "enable_backup": True}
# Folders for an operator's changes to policies, which are not there.
POLICY_DIRS = {service: [] for service in POLICY_DIRS}

# Of what upstream is to change one day, an operator need not read at each start.
warnings.simplefilter("ignore", DeprecationWarning)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        # Its own handlers would log everything twice.
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

# Only while static files are made is there no cloud.
SECRET_KEY = "nothing is signed with this"
if _CLOUD.exists():
    globals().update(json.loads(_CLOUD.read_text()))
