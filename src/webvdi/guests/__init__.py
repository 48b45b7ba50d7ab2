"""Recipes that build bootable guests, and the bundles they build (ARCHITECTURE.md).

A :class:`GuestBundle` is plain data: the files and numbers a machine is started with.  ``build``
makes one from a recipe, out of Debian packages, without root and without running a guest::

    recipe        what goes in: packages, programs, kernel modules, our own files
      └ apt       the Debian packages, verified, from a private apt root
         └ assemble   one tree of files: programs, their libraries, modules, caches
            └ cpio    the tree as an initramfs;  vmlinux: the kernel, unpacked
               └ store   a finished bundle, written at once or not at all
"""

from webvdi.guests.builder import BuildSettings, build
from webvdi.guests.bundle import DiskPlan, GuestBundle
from webvdi.guests.disk import make_data_disk
from webvdi.guests.errors import (
    BuildFailed,
    ChecksumMismatch,
    GuestError,
    HostNotReady,
    MirrorUnreachable,
    NoSpace,
    RecipeError,
)
from webvdi.guests.progress import Progress
from webvdi.guests.recipe import Recipe, load_recipe, recipe_names
from webvdi.guests.requirements import HOST_PACKAGES, HostPackage, missing_packages
from webvdi.guests.store import bundles, prune

__all__ = [
    "HOST_PACKAGES",
    "BuildFailed",
    "BuildSettings",
    "ChecksumMismatch",
    "DiskPlan",
    "GuestBundle",
    "GuestError",
    "HostNotReady",
    "HostPackage",
    "MirrorUnreachable",
    "NoSpace",
    "Progress",
    "Recipe",
    "RecipeError",
    "build",
    "bundles",
    "load_recipe",
    "make_data_disk",
    "missing_packages",
    "prune",
    "recipe_names",
]
