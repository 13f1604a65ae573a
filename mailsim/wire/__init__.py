"""Bytes to values and back: lines, commands, replies, one grammar for both roles."""
