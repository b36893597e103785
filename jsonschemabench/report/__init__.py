"""From rows to what people read: a Markdown section, CSV tables, plots and a dated record.

Everything here is computed from rows; nobody types a figure.
"""
