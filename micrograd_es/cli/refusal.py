"""What the command line cannot do, as a sentence that is written once the language is known."""

from __future__ import annotations

from micrograd_es.texts import Language


class Refusal(ValueError):  # noqa: N818  # it is told to a person, who may only have mistyped
    """The key of a sentence, its parts, and the name that was probably meant, if there is one."""

    def __init__(self, key: str, meant: str | None = None, **parts: object) -> None:
        super().__init__(key)
        self.key, self.meant, self.parts = key, meant, parts

    def say(self, language: Language) -> str:
        """Return the sentence in a language."""
        sentence = language.say(self.key, **self.parts)
        advice = language.say("error_meant", name=self.meant) if self.meant else ""
        return f"{sentence} {advice}".rstrip()
