"""An ear for keys only: what is said in a language that the recognizer does not know is noise."""

from collections.abc import AsyncIterator

from voiceera.providers.protocols import Heard


class DeafStream:
    """A RecognitionStream that hears no words."""

    def begin_utterance(self, expected: tuple[str, ...] = ()) -> None:
        pass

    def push(self, audio: bytes) -> None:
        pass

    async def end_utterance(self) -> Heard:
        return Heard("", final=True)

    def abandon_utterance(self) -> None:
        pass

    async def partials(self) -> AsyncIterator[Heard]:
        heard: tuple[Heard, ...] = ()
        for each in heard:
            yield each

    async def close(self) -> None:
        pass
