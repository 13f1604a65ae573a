"""The Vagrant backend's parts: the box that a machine is made from.

`rootfs` fills a folder with the release's packages, `disk` makes a disk of it, `box` packs it with
its checksum and the catalogue by which Vagrant finds it.
"""
