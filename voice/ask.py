"""One question, asked in text or aloud from a file; its answer, printed and saved."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from voice.assistant import Assistant
from voice.config import Config
from voice.errors import AssistantError
from voice.shown import Notice, Turn
from voice.storage import check_writable
from voice.text import printable
from voice.tool import Function
from voice.wavefiles import read_wav, write_wav

POLL_SECONDS = 0.05
NO_ANSWER = "the service gave no answer: ask again"


def ask(config: Config, tools: Iterable[Function], *, say: Callable[[str], None], tell: Callable[[str], None]) -> None:
    """Ask what the settings say; `say` gets each answer in text, `tell` what goes on besides. Blocks until it ends.

    Raises:
        AssistantError: there is no answer, for a reason that the user should know.

    """
    question = read_wav(config.ask_audio) if config.ask_audio else b""
    if config.answer_audio:
        check_writable(config.answer_audio)  # better known before than after
    answer = bytearray()
    mode = "push-to-talk" if question else config.mode
    quiet = replace(
        config,
        sound=False,
        mode=mode,
        text=not config.answer_audio,
        save_recordings=False,
        history=config.history and bool(config.resume),  # a question by itself is no conversation to go on with
    )
    assistant = Assistant(quiet, tools=tools, deliver=answer.extend if config.answer_audio else None)
    answers: list[str] = []
    assistant.subscribe(Turn, lambda turn: answers.append(turn.text) if turn.role == "assistant" else None)
    assistant.subscribe(Notice, lambda notice: tell(printable(notice.text)))
    with assistant:
        if question:
            while assistant.status.state == "connecting":  # before that only half a minute of it would be kept
                if assistant.wait(POLL_SECONDS):
                    raise AssistantError(NO_ANSWER)
            assistant.talk()
            assistant.send_audio(question)
            assistant.end_talk()
        else:
            assistant.send_text(config.ask)
        assistant.end_when_idle()
        assistant.wait()
    for text in answers:
        say(printable(text))
    if not answer and not any(answers):
        raise AssistantError(NO_ANSWER)
    if config.answer_audio and not answer:
        raise AssistantError(f"the answer came without sound: {config.answer_audio} was not written")
    if config.answer_audio:
        write_wav(config.answer_audio, bytes(answer))
