"""Dialogues made visible: text, HTML, ladder diagrams, timing plots.  Secrets stay hidden."""
