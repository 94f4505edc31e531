"""report.html: one file that shows a campaign to somebody who was not there. Works offline, escapes everything."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from html import escape
from importlib.resources import files

from voiceera.demo.outcome import PARTS, CallEnd, Latency, Outcome, SpokenTurn, outcome_of, percentile, typical_parts
from voiceera.demo.recordings import Playable, playable
from voiceera.rules.calls import Speaker

PART_NAMES = {
    "endpointing_ms": "waiting to be sure the caller is done",
    "stt_ms": "recognition",
    "brain_ms": "deciding",
    "tts_ms": "voice",
    "platform_ms": "platform",
}
_POLICY = "default-src 'none'; media-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"


def render(outcome: Outcome) -> str:
    longest = max((latency["total_ms"] for latency in outcome.latencies), default=1.0)
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as encoders:  # outside Python, so that each takes a core
        recordings = tuple(encoders.map(lambda call: call.recording and playable(call.recording), outcome.calls))
    body = "".join(
        [
            _header(outcome),
            _figures(outcome),
            _outcomes(outcome),
            _latencies(outcome),
            _problems(outcome),
            "<section><h2>Every call</h2>",
            *(_call(index, call, longest, recordings[index]) for index, call in enumerate(outcome.calls)),
            "</section>",
            "<footer>Made by <b>voiceera demo</b>. The callers are simulated; what was said travelled as sound, and "
            "the transcripts are what the platform heard.</footer>",
        ]
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(outcome.campaign)} · VoiceERA</title><style>{_asset('report.css')}</style></head>"
        f"<body><main>{body}</main><script>{_asset('report.js')}</script></body></html>"
    )


def _asset(name: str) -> str:
    return files("voiceera.demo").joinpath(name).read_text(encoding="utf-8")


# ── the whole campaign ───────────────────────────────────────────────────────────────────────────────────────────


def _header(outcome: Outcome) -> str:
    scrambled = '<span class="tag bad">scrambled audio</span>' if outcome.scrambled else ""
    return (
        f'<header><p class="brand">VoiceERA</p><h1>{escape(outcome.campaign)}</h1>'
        f"<p>{len(outcome.contacts)} people, {len(outcome.calls)} calls in {outcome.wall_seconds:.0f} seconds, "
        f"seed {outcome.seed}. {scrambled}</p></header>"
    )


def _figures(outcome: Outcome) -> str:
    verdict = outcome.verdict
    totals = [latency["total_ms"] for latency in outcome.latencies]
    reached = sum(contact.state == "reached" for contact in outcome.contacts)
    figures = [
        (f"{reached}<small>/{len(outcome.contacts)}</small>", "people reached"),
        (f"{verdict.understanding.share:.0%}", f"of {verdict.understanding.said} answers understood"),
        (f"{percentile(totals, 0.5):.0f}<small> ms</small>", "to reply, median"),
        (f"{verdict.doubled}<small> · </small>{verdict.lost}", "doubled · lost, by the network's ledger"),
    ]
    if verdict.stopped_ms:
        longest = max(verdict.stopped_ms)
        stop = f"{longest:.0f}<small> ms</small>" if longest < float("inf") else "never"
        figures.append((stop, "to fall silent when interrupted"))
    cells = "".join(f"<div><strong>{figure}</strong><span>{escape(name)}</span></div>" for figure, name in figures)
    return f'<section class="figures">{cells}</section>'


def _outcomes(outcome: Outcome) -> str:
    total = sum(outcome.outcomes.values()) or 1
    bars = "".join(
        f'<i class="{_tone(word)}" style="flex-grow:{count}" title="{escape(_words(word))}: {count}"></i>'
        for word, count in outcome.outcomes.items()
    )
    legend = "".join(
        f'<li><i class="{_tone(word)}"></i>{escape(_words(word))} <b>{count}</b></li>'
        for word, count in outcome.outcomes.items()
    )
    lines = "".join(
        f"<li>{escape(_line_name(line))}: <b>{tally.right} of {tally.said}</b> answers understood "
        f"({tally.share:.0%})</li>"
        for line, tally in outcome.verdict.by_line.items()
    )
    return (
        f"<section><h2>How the {total} calls ended</h2>"
        f'<div class="bar">{bars}</div><ul class="legend">{legend}</ul>'
        f'<ul class="legend quiet">{lines}</ul></section>'
    )


def _latencies(outcome: Outcome) -> str:
    totals = [latency["total_ms"] for latency in outcome.latencies]
    if not totals:
        return ""
    low, high = min(totals) * 0.95, max(totals) * 1.05
    places = [(total - low) / (high - low) * 100 for total in totals]
    dots = "".join(f'<i style="left:{place:.1f}%"></i>' for place in places)
    marks = "".join(
        f'<b class="{name}" style="left:{percentile(places, share):.1f}%"></b>'
        for name, share in (("p50", 0.5), ("p95", 0.95))
    )
    parts = typical_parts(outcome.latencies)
    legend = "".join(
        f'<li><i class="{part}"></i>{escape(PART_NAMES[part])} <b>{parts[part]:.0f} ms</b></li>' for part in PARTS
    )
    return (
        "<section><h2>From the caller's last sound to the agent's first</h2>"
        f'<p class="quiet">Each dot is one of {len(totals)} replies, from {min(totals):.0f} to {max(totals):.0f} ms. '
        f"Median <b>{percentile(totals, 0.5):.0f} ms</b>, 95% within <b>{percentile(totals, 0.95):.0f} ms</b>.</p>"
        f'<div class="dots" role="img" aria-label="Distribution of reply times">{dots}{marks}</div>'
        f'<p class="quiet">What a typical reply is made of:</p>{_stack(parts, sum(parts.values()))}'
        f'<ul class="legend">{legend}</ul></section>'
    )


def _problems(outcome: Outcome) -> str:
    if not outcome.verdict.problems:
        return ""
    items = "".join(f"<li>{escape(problem)}</li>" for problem in outcome.verdict.problems)
    return (
        f'<section class="problems"><h2>What the ledger and the database disagree on</h2><ul>{items}</ul></section>'
    )


def _stack(parts: Latency, scale: float) -> str:
    """One bar of the parts of a reply's time, `scale` milliseconds wide."""
    pieces = "".join(
        f'<i class="{part}" style="width:{parts.get(part, 0.0) / (scale or 1) * 100:.2f}%" '
        f'title="{escape(PART_NAMES[part])}: {parts.get(part, 0.0):.0f} ms"></i>'
        for part in PARTS
    )
    return f'<div class="stack">{pieces}</div>'


# ── one call ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _call(index: int, call: CallEnd, longest: float, recording: Playable | None) -> str:
    again = f'<span class="quiet">try {call.attempt}</span>' if call.attempt > 1 else ""
    word = outcome_of(call)
    length = f"{call.duration_seconds:.0f} s" if call.turns else ""
    inside = _player(recording) if recording is not None else ""
    facts = [
        _line_name(call.line) if call.line else "",
        f"answered by {call.answered_by}" if call.answered_by else "",
    ]
    facts.append(_words(call.hangup_cause) if call.hangup_cause else "")
    inside += f'<p class="quiet">{escape(" · ".join(filter(None, facts)))}</p>'
    inside += f'<ol class="turns">{"".join(_turns(call.turns, longest))}</ol>' if call.turns else ""
    opened = " open" if index == 0 and call.turns else ""
    return (
        f'<details class="call"{opened}><summary><span class="who">{escape(call.name)} '
        f'<span class="number">{escape(call.phone_number)}</span> {again}</span>'
        f'<span class="tag {_tone(word)}">{escape(_words(word))}</span><span class="length">{length}</span></summary>'
        f"{inside}</details>"
    )


def _player(recording: Playable) -> str:
    shape = _shape(recording.agent, up=True) + _shape(recording.caller, up=False)
    return (
        '<div class="player"><button type="button" aria-label="Play or pause"></button>'
        f'<div class="wave"><svg viewBox="0 0 {len(recording.agent)} 100" preserveAspectRatio="none">{shape}</svg>'
        '<span class="head"></span></div>'
        f'<time>{_clock(recording.seconds)}</time><audio preload="none" data-seconds="{recording.seconds:.2f}" '
        f'src="{recording.mp3}"></audio></div>'
    )


def _shape(outline: tuple[float, ...], *, up: bool) -> str:
    """One voice's outline: the agent above the middle line, the caller below."""
    reach = -46 if up else 46
    points = " ".join(f"{x},{50 + reach * max(loudness, 0.015):.1f}" for x, loudness in enumerate(outline))
    voice = "agent" if up else "caller"
    return f'<polygon class="{voice}" points="0,50 {points} {len(outline) - 1},50"/>'


def _turns(turns: tuple[SpokenTurn, ...], longest: float) -> Iterator[str]:
    for turn in turns:
        notes = []
        if turn.speaker is Speaker.CALLER and turn.step:
            taken = "not understood" if turn.result is None else f"taken as “{turn.result}”"
            notes.append(f"{turn.step}: {taken}")
        if turn.interrupted:
            notes.append("interrupted")
        note = f"<small>{escape(' · '.join(notes))}</small>" if notes else ""
        bar = ""
        if turn.latency:
            total = f"{turn.latency['total_ms']:.0f} ms"
            bar = f'<div class="reply">{_stack(turn.latency, longest)}<small>{total}</small></div>'
        yield (
            f'<li class="{turn.speaker}" data-start="{turn.start_ms}" data-end="{turn.end_ms}">'
            f'<button type="button">{_clock(turn.start_ms / 1000)}</button>'
            f"<div>{_words_of(turn)}{note}{bar}</div></li>"
        )


def _words_of(turn: SpokenTurn) -> str:
    return f"<p>{escape(turn.text)}</p>" if turn.text else "<small>(no words were made out)</small>"


# ── words ────────────────────────────────────────────────────────────────────────────────────────────────────────

_TONES = {
    "confirmed": "good",
    "rescheduled": "fair",
    "completed": "good",
    "opted_out": "stop",
    "voicemail": "away",
    "busy": "away",
    "no_answer": "away",
    "failed": "bad",
    "canceled": "bad",
}


def _tone(word: str) -> str:
    return _TONES.get(word, "other")


def _words(code: str) -> str:
    return code.replace("_", " ")


def _line_name(line: str | None) -> str:
    return {"l16_16k": "wideband, 16 kHz", "ulaw_8k": "telephone, 8 kHz"}.get(line or "", line or "")


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
