"""The client, on one page.

::

    mic -> mic_callback -> mic_queue -> [send] EchoCanceller -> encode -> Connection -> service
              |  (block heard, block played)
    speaker <- speaker_callback <- AudioBuffer <- [receive] effects <- Conversation <- decode <- Connection
                                                     |-> [call] Toolbox -> output -> Conversation

Decisions are made in code that cannot block; blocking is done in code that does not decide.

=================  ===========================================================  ==============================
module             what it is                                                   who may call it
=================  ===========================================================  ==============================
``config``         all settings, one frozen value                               built once, read by all
``errors``         what can go wrong, by whose fault                            all
``events``         the service's events as frozen values; JSON and base64       any thread
``settings``       what the service is told at the start                        main
``effects``        what the conversation wants done, as frozen values           all
``transcript``     who said what, in order                                      ``conversation`` alone
``calls``          function calls: run once, answered in order                  ``conversation`` alone
``conversation``   the core: turn taking, barge-in; decides, does no I/O        ``session``, under its lock
``buffer``         what plays next, what was heard of each item                 any thread, own lock
``audio``          microphone and loudspeaker, their callbacks (PyAudio)        main; callbacks by PortAudio
``pairing``        which played block belongs to a heard one                    the callbacks
``devices``        what devices there are, which one is meant                   main; *devices*
``streams``        one open device, at its own rate if it must                  *devices*
``side``           one direction through all the devices it has had             *devices*
``watch``          whether a device stalls, spins or is mute; pure              *devices*
``supervisor``     brings devices back that were lost                           *devices*
``resampler``      streaming conversion of sample rates                         one thread each
``echo``           the assistant's own voice taken out of the microphone, with  *send*
                   ``alignment``, ``delay``, ``kalman`` and ``residual``
``judge``          whether someone really speaks                                *send*
``connection``     the WebSocket and the proxy (websocket-client, PySocks)      *receive* reads, *send* writes
``session``        the two threads, and the carrying out of effects             any thread
``toolbox``        functions as tools: schema, checks, time limits              one *call* thread a call
``notes``          the notepad's functions, with ``notefiles``                  tools
``weather``        the weather's function, with ``openmeteo``                   tools
``terminal``       lines in, lines out                                          any thread; *terminal*
``screen``         the same for a person: input line, status line               any thread; *terminal*
``commands``       what a typed line means that begins with a slash             *terminal*
``log``            where log records go                                         main
=================  ===========================================================  ==============================

Threads: *main* waits for the end. *send* and *receive* drive the WebSocket. PortAudio's own threads run the two
callbacks, which only move bytes; *devices* watches them and is the only one to call PortAudio once they run.
*terminal* reads the keyboard. Each call of a tool has a thread of its own.

Locks: `AudioBuffer`'s, for the copying of a block; `Session`'s, around a decision and its effects, none of which can
block. Session's is taken first. `mic_queue` carries all that goes out, in order.
"""

from typing import Any

VERSION = "0.1.0"

__all__ = ["VERSION", "Assistant"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - as Python has it
    """Load `Assistant` when it is asked for: most modules need none of what it needs."""
    if name == "Assistant":
        from voice.assistant import Assistant  # noqa: PLC0415 - see above

        return Assistant
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
