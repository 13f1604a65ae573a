"""The lab: one running mail system to see through, and all that a notebook asks of it.

The public names are imported when they are first used: `mailsim status` needs no simulator.
"""
