"""The package in which Horizon looks for its settings. It is imported before any Django application."""

import _distutils_hack

# django-debreach needs `distutils`, which Python no longer has. setuptools provides it by a .pth file, but Python
# reads such files only in its own site-packages.
_distutils_hack.add_shim()
