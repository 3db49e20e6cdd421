"""Answers for people and programs: tables, rows, documents, lines."""
