"""Readers of yesterday's files; kport works without this package."""
