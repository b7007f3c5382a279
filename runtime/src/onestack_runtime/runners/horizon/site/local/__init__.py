"""The package in which Horizon looks for its settings. It is imported before any Django application is."""

import _distutils_hack

# django-debreach wants `distutils`, which Python has no more. setuptools has it, and says so in a .pth file,
# which is read only in folders that are Python's own.
_distutils_hack.add_shim()
