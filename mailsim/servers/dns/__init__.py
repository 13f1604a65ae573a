"""The lab's name server: its zones, and nothing else in the world."""
