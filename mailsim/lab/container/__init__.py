"""The container backend: the real system, built by provision/'s roles, in podman or docker.

`engine` finds who runs containers, `images` builds base → packages → stage, `lan` lays the cable
between the server and the student's workstation, `running` holds it all while the lab lives, and
`operations` answers what a Lab asks.
"""
