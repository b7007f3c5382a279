"""The functions of OpenStack and its libraries that are replaced when a process starts: all of them, in one registry.

OpenStack's packages are installed unmodified. Where neither an option nor an extension point of theirs will do, a
function is replaced by one of ours, and kept in the books here (`registry`), with the digest of what it replaces.
"""
