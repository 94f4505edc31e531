"""Vendors' servers over TLS on 127.0.0.1: sockets and voices of Deepgram and Cartesia, OpenAI's chat. Instant, as
chatty as theirs.

Started by `benchmarks.media --providers tls` (or `bridge`), as a process of its own: what they cost is not the
platform's. Says {"url": …} when it listens; its certificate, and the key for it, stand in the folder given.

Sources: developers.deepgram.com (listen-streaming, speak-request), docs.cartesia.ai (stt/websocket, tts/bytes),
platform.openai.com/docs/api-reference/chat.
"""

import argparse
import asyncio
import ipaddress
import json
import ssl
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvloop
from aiohttp import WSMessage, WSMsgType, web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from benchmarks.media_server import REPLY, WORDS

_SECONDS_A_CHARACTER = 0.05
_PIECE = 1600
"""Bytes of sound in a chunk: 0.2 s."""


def certify(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1, good for an hour, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "vendors of a benchmark")])
    now, here = datetime.now(UTC), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([here]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "vendors.pem", folder / "vendors.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    private.write_bytes(key.private_bytes(*form))
    return certificate, private


def results(text: str, *, final: bool, finalize: bool = False) -> str:
    words = [{"word": word, "start": 0.1, "end": 0.4, "confidence": 0.98} for word in text.split()]
    alternative = {"transcript": text, "confidence": 0.98, "words": words}
    told = {"type": "Results", "channel_index": [0, 1], "duration": 1.0, "start": 0.0, "is_final": final}
    told |= {"speech_final": final, "channel": {"alternatives": [alternative]}, "from_finalize": finalize}
    return json.dumps(told)


async def hears(request: web.Request) -> web.WebSocketResponse:
    """Interim results twice a second while there is sound; the words with Finalize."""
    socket: web.WebSocketResponse = web.WebSocketResponse()
    await socket.prepare(request)
    given, heard = 0, 0
    message: WSMessage
    async for message in socket:
        if message.type is WSMsgType.BINARY:
            heard += len(message.data)
            if heard - given >= 4000:
                given = heard
                await socket.send_str(results(WORDS[: 12 + heard // 800], final=False))
            continue
        kind = json.loads(message.data)["type"]
        if kind == "Finalize":
            given, heard = 0, 0
            await socket.send_str(results(WORDS, final=True, finalize=True))
        elif kind == "CloseStream":
            await socket.close()
    return socket


async def speaks(request: web.Request) -> web.StreamResponse:
    text = (await request.json())["text"]
    answer = web.StreamResponse(headers={"Content-Type": "audio/mulaw"})
    await answer.prepare(request)
    left = int(len(text) * _SECONDS_A_CHARACTER * 8000)
    while left > 0:
        await answer.write(b"\x55" * min(left, _PIECE))
        left -= _PIECE
    return answer


async def cartesia_hears(request: web.Request) -> web.WebSocketResponse:
    """A socket for each utterance: interim results twice a second, the words with `finalize`."""
    socket: web.WebSocketResponse = web.WebSocketResponse()
    await socket.prepare(request)
    told = {"type": "transcript", "request_id": "1", "language": "en", "duration": 1.0, "words": []}
    given, heard = 0, 0
    message: WSMessage
    async for message in socket:
        if message.type is WSMsgType.BINARY:
            heard += len(message.data)
            if heard - given >= 16_000:
                given = heard
                await socket.send_json({**told, "is_final": False, "text": WORDS[: 12 + heard // 3200]})
        elif message.data == "finalize":
            await socket.send_json({**told, "is_final": True, "text": WORDS})
            await socket.send_json({"type": "flush_done", "request_id": "1"})
        elif message.data in ("close", "done"):
            await socket.send_json({"type": "done", "request_id": "1"})
            await socket.close()
    return socket


async def cartesia_speaks(request: web.Request) -> web.StreamResponse:
    """16-bit PCM at the rate that was asked for."""
    asked = await request.json()
    rate = int(asked["output_format"]["sample_rate"])
    answer = web.StreamResponse(headers={"Content-Type": "audio/pcm"})
    await answer.prepare(request)
    left, piece = int(len(asked["transcript"]) * _SECONDS_A_CHARACTER * rate), rate // 5
    while left > 0:
        await answer.write(b"\x00\x08" * min(left, piece))
        left -= piece
    return answer


async def answers(request: web.Request) -> web.StreamResponse:
    await request.read()
    answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await answer.prepare(request)
    for piece in _chunks():
        await answer.write(piece)
    return answer


def _chunks() -> Iterator[bytes]:
    """A token at a time, as models send them."""
    shared = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    for word in REPLY.split(" "):
        choice = {"index": 0, "delta": {"content": f"{word} "}, "finish_reason": None}
        yield f"data: {json.dumps({**shared, 'choices': [choice]})}\n\n".encode()
    end = {"index": 0, "delta": {}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 200, "completion_tokens": 20, "total_tokens": 220}
    yield f"data: {json.dumps({**shared, 'choices': [end]})}\n\n".encode()
    yield f"data: {json.dumps({**shared, 'choices': [], 'usage': usage})}\n\ndata: [DONE]\n\n".encode()


async def serve(folder: Path) -> None:
    app = web.Application()
    app.router.add_get("/listen", hears)
    app.router.add_post("/speak", speaks)
    app.router.add_get("/stt/websocket", cartesia_hears)
    app.router.add_post("/tts/bytes", cartesia_speaks)
    app.router.add_post("/chat/completions", answers)
    runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trust.load_cert_chain(*certify(folder))
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=trust).start()
    print(json.dumps({"url": f"https://127.0.0.1:{runner.addresses[0][1]}"}), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    uvloop.run(serve(parser.parse_args().folder))
