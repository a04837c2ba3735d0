"""The client, on one page. Other programs begin with ``from voice import Assistant``.

::

    mic -> mic_callback -> mic_queue -> [send] EchoCanceller -> encode -> Connection -> service
              |  (block heard, block played)
    speaker <- speaker_callback <- AudioBuffer <- [receive] effects <- Conversation <- decode <- Connection
                                                     |-> [call] Toolbox -> output -> Conversation
                                                     |-> Feed -> terminal, history, prices, subscribers

Decisions are made in code that cannot block; blocking is done in code that does not decide.

======================  ===============================================================================================
module                  what it is
======================  ===============================================================================================
the whole               any thread
``assistant``           one conversation: puts all parts together; the library
``ask``                 ... for one question
``options``             the settings' sources: command line, environment, ``.env``, defaults
``config``              all settings, one frozen value, built once and read by all
``limits``              ends the conversation when it has cost enough
``sleep``               sends nothing from when nobody has said anything for a while until the user is back
``status``              how things stand, one frozen value
``signals``             which of the system's signals end the program
``log``                 where log records go
``shown``               what happens, as the user is shown it: frozen values
``feed``                tells what happens to everybody who asked for it
``errors``              what can go wrong, by whose fault
``remedies``            what to do about this computer, by platform
``text``                what can be shown on one line, pure

deciding                pure: no I/O, no clock, no thread; called under `Session`'s lock
``conversation``        the core: events and what the user does go in, effects come out
``effects``             what it wants done: frozen values
``turns.floor``         whose turn it is; what is speech and what a noise
``turns.responses``     at most one at a time: wished for, asked for, running, cut, tried again
``turns.answers``       what is heard of them
``turns.calls``         function calls: run once, answered in order
``turns.agenda``        typed lines that wait for their turn, and the goodbye
``turns.transcript``    who said what, in order
``settings``            what the service is told at the start
``turns.restore``       ... of what was said before
``turns.problems``      which errors of the service are survived, and how
``refusals``            which are not, and what to do
``losses``              what the end of a connection means

the service             *receive* reads, *send* writes
``session``             carries out the effects, and what the user does
``line``                one connection after the other, so that there is always one that counts
``uplink``              what goes out: sound and events, in their order
``connection``          the WebSocket and the proxy (websocket-client, PySocks)
``tls``                 encryption that one thread reads while another writes
``endpoint``            where to connect, and through which proxy
``events``              the service's events as frozen values; JSON and base64

sound                   the callbacks and *devices*; those of the echo: *send*
``sound``               the form that it has everywhere
``resampler``           streaming conversion of sample rates
``audio``               microphone and loudspeaker, their callbacks (PyAudio)
``noaudio``             ... where no sound is wanted
``health``              ... what has gone wrong with them, as counts
``buffer``              what plays next, what was heard of each item; any thread, own lock
``jitter``              ... held back how long, so that late sound does not tear it
``hardware.pairing``    which played block belongs to a heard one
``hardware.devices``    which there are, which one is meant
``hardware.streams``    one open device, at its own rate if it must
``hardware.channels``   ... and with its own number of channels
``hardware.side``       one direction, through all the devices it has had
``hardware.watch``      whether a device stalls, spins or is mute
``hardware.supervisor`` brings devices back that were lost
``nearend``             what the microphone hears of the user
``echo``                ... with the assistant's own voice taken out, by ...
``aec.alignment``       ... what was played given when it is heard
``aec.delay``           ... how late that is
``aec.kalman``          ... the way from loudspeaker to microphone learnt
``aec.residual``        ... what is left over judged
``aec.presence``        ... whether the microphone hears the loudspeaker at all
``pace``                what takes its place on a computer that is too slow
``selftalk``            whether the assistant interrupts itself all the same
``judge``               whether someone really speaks
``wake``                whether the user is back, while the session sleeps
``silero``              ... how likely a sound is speech, for both

tools                   one thread *call* and one *tool* for each call
``toolbox``             calls: found, checked, agreed to, run within limits
``tool``                one tool, made of a typed function
``toolfiles``           files of the user's with such functions
``consent``             what the user was asked to agree to
``stopwatch``           how long calls and answers take
``mcp.tools``           tools of MCP servers
``mcp.server``          ... one server
``mcp.text``            ... what it says, as text
``skills.weather``      the weather's function
``skills.openmeteo``    ... where it comes from
``skills.notes``        the notepad's functions
``skills.notefiles``    ... on disk

terminal                *terminal* reads keys and draws, *commands* carries out; anything may be shown from any thread
``terminal``            what the program needs of one; lines in, lines out
``screen``              the same for a person
``ui.window``           ... drawn by prompt_toolkit
``ui.display``          ... the lines of the conversation, pure
``ui.statusline``       ... the status line, pure
``ui.rows``             ... lines as rows, pure
``ui.rescue``           ... the terminal given back should it hang
``ui.reflow``           ... what a narrower window makes of what was drawn
``ui.bindings``         ... which key does what
``ui.keyboard``         ... read by prompt_toolkit
``ui.keys``             ... and by way of the kitty protocol, which tells of releases
``commands``            what a typed line means that begins with a slash
``reports``             what commands answer
``talk``                the turn that is begun and ended by hand

what is kept            *history* and *recorder*; the rest is for any thread
``records``             all that is kept of a conversation
``history``             the conversation written to disk as it goes on
``archive``             ... and found again
``recorder``            both voices written to disk
``wavefiles``           WAV files, read and written
``storage``             files that are the owner's alone, unharmed by a kill and a full disk
``usage``               what the conversation costs

``--check``             main, which waits for the thread *examination*
``doctor``              examines everything
``checkup.findings``    what it finds, as frozen values
``checkup.computer``    ... of the computer
``checkup.service``     ... of the key and the network
``checkup.sound``       ... of the devices
``checkup.parts``       ... of the echo canceller and the offline assistant
``checkup.loudness``    how loud a microphone is
======================  ===============================================================================================

Threads, where each may wait, and what wakes it:

* *main* waits for the end, in a queue; a signal, a command or a broken conversation puts it there. *signals* waits on
  a socket for a signal that main is too busy to take; closed at the end.
* *receive*, one for each connection: to connect, on its socket, for a quiet moment, between two attempts, and while the
  conversation sleeps. `Line.stop`.
* *send*: on `mic_queue` and on the socket. The next block, None at the end; `Connection.stop`.
* *devices*: between two looks, and in PortAudio, which it alone calls. `Supervisor.stop`.
  PortAudio's own threads run the two callbacks, which only move bytes.
* *call* waits for *tool*, for as long as that may take; *tool* wherever its function does. Both are left behind.
* *terminal*: on the keyboard; or on standard input and for its lines' turn, where it is left behind. *commands*: in
  what it carries out.
  *terminal-write*, where there is no screen: on standard output and its queue, which None ends.
* *history* and *recorder*: on what is to be written, and on the disk, which nobody else waits for. Their `stop`.
* *limits* and *sleep*: between two looks. *mcp*: in an asyncio loop, with all MCP servers. *examination*: in what it
  examines.
* Timers begin the next connection before the hour is over, ask again for an answer that failed, and end a `/talk`.

Locks: `AudioBuffer`'s, for the copying of a block; `Session`'s, around a decision and its effects, none of which can
block; who is told something by one may decide the next. Session's is taken first. One of `Connection`'s two is held
while a message is written, `Notepad`'s from the reading of a note to its writing; the others guard a few lines each.
`mic_queue` carries all that goes out, in order.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # `__getattr__` loads it
    from voice.assistant import Assistant

VERSION = "0.1.0"

__all__ = ["VERSION", "Assistant"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - as Python has it
    """Load `Assistant` when it is asked for: most modules need none of what it needs."""
    if name == "Assistant":
        from voice.assistant import Assistant  # noqa: PLC0415 - as it says

        return Assistant
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
