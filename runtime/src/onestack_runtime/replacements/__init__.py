"""All functions of OpenStack and its libraries that are replaced when a process starts, in one registry.

OpenStack's packages are installed unmodified. Where neither an option nor an extension point of theirs will do, one
of our functions replaces one of theirs. `registry` lists each, with a digest of the upstream code that it replaces.
"""
