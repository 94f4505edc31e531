"""The messages on Plivo's media sockets: https://www.plivo.com/docs/voice/audio-streaming/audio-streaming. L16 is
little-endian."""

import base64
import binascii
import time
from typing import Any

import msgspec

from voiceera.ids import new_id
from voiceera.lab.dialect import BadMessage, Clear, Mark, Play, Sent
from voiceera.lab.instructions import Keys, Stream
from voiceera.rules.audio import AudioFormat, Encoding


class _Media(msgspec.Struct):
    payload: str = ""
    contentType: str = ""  # noqa: N815 - the vendor's spelling
    sampleRate: int | str = 0  # noqa: N815


class _Message(msgspec.Struct):
    event: str = ""
    media: _Media | None = None
    name: str = ""
    dtmf: str = ""


_decode = msgspec.json.Decoder(_Message).decode


class PlivoWire:
    """Implements `Wire`."""

    def __init__(self, call_uuid: str, account: str, stream: Stream) -> None:
        self._call_uuid = call_uuid
        self._account = account
        self._stream = stream
        self._stream_id = str(new_id())
        self._sequence = 0
        self._chunk = 0
        extra = msgspec.json.encode(stream.extra_headers)
        self._media_head = b'","media":{"track":"inbound","timestamp":"'
        self._media_tail = b'"},"extra_headers":' + extra + b"}"

    def opening(self) -> list[bytes]:
        audio_format = self._stream.audio_format
        start = {
            "callId": self._call_uuid,
            "streamId": self._stream_id,
            "accountId": self._account,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": _content_type(audio_format), "sampleRate": audio_format.sample_rate},
        }
        message = {"event": "start", "sequenceNumber": self._next(), "start": start}
        return [msgspec.json.encode(message | {"extra_headers": self._stream.extra_headers})]

    def media(self, payload: bytes, at_ms: int) -> bytes:
        self._chunk += 1
        return b'{"event":"media","sequenceNumber":%d,"streamId":"%b%b%d","chunk":%d,"payload":"%b%b' % (
            self._next(),
            self._stream_id.encode(),
            self._media_head,
            at_ms,
            self._chunk,
            payload,
            self._media_tail,
        )

    def digit(self, digit: str) -> bytes:
        dtmf = {"track": "inbound", "digit": digit, "timestamp": str(int(time.time() * 1000))}
        return self._event("dtmf", dtmf=dtmf, extra_headers=self._stream.extra_headers)

    def played(self, name: str) -> bytes:
        return self._event("playedStream", name=name)

    def cleared(self, marks: list[str]) -> list[bytes]:
        """Checkpoints that were dropped are not told."""
        return [self._event("clearedAudio")]

    def closing(self) -> bytes | None:
        return None

    def read(self, message: memoryview) -> Sent:
        try:
            parsed = _decode(message)
            match parsed.event:
                case "playAudio":
                    return self._play(parsed.media or _Media())
                case "clearAudio":
                    return Clear()
                case "checkpoint":
                    return Mark(parsed.name)
                case "sendDTMF" if parsed.dtmf:
                    return Keys(parsed.dtmf)
        except (msgspec.DecodeError, binascii.Error) as error:
            raise BadMessage(str(error)) from error
        raise BadMessage(parsed.event)

    def _play(self, media: _Media) -> Play:
        """Sound in another format than the stream's is what the vendor warns of: it is not played."""
        audio_format = self._stream.audio_format
        right = media.contentType.split(";")[0] == _content_type(audio_format)
        if not self._stream.bidirectional or not right or int(media.sampleRate) != audio_format.sample_rate:
            raise BadMessage("not the stream's format")
        return Play(base64.b64decode(media.payload))

    def _event(self, event: str, **fields: Any) -> bytes:
        head = {"event": event, "sequenceNumber": self._next(), "streamId": self._stream_id}
        return msgspec.json.encode(head | fields)

    def _next(self) -> int:
        self._sequence += 1
        return self._sequence


def _content_type(audio_format: AudioFormat) -> str:
    return "audio/x-mulaw" if audio_format.encoding is Encoding.ULAW else "audio/x-l16"
