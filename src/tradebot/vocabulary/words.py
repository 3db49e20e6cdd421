"""A code word of the log together with what a reader of the log needs to know about it."""

from __future__ import annotations

import enum


class Word(enum.StrEnum):
    """A documented code word: ``.value`` is what is logged, ``.meaning`` what it means and
    ``.next_step`` what an operator does about it."""

    meaning: str
    next_step: str

    def __new__(cls, value: str, meaning: str, next_step: str) -> Word:
        word = str.__new__(cls, value)
        word._value_ = value
        word.meaning = meaning
        word.next_step = next_step
        return word
