"""The script that many begin with: PyAudio callbacks, a queue, a bytearray, websocket-client and two threads.

Blocks of 1024 frames; what plays is cleared when the service hears speech; the microphone is always open. Most of its
kind ask the queue in a loop whether it is empty, which takes a whole core; this one waits, as the better ones do.
"""

from __future__ import annotations

import base64
import contextlib
import json
import queue
import sys
import threading
from collections.abc import Mapping

import pyaudio
import websocket

RATE = 24_000
FRAMES = 1024

mic_queue: queue.Queue[bytes] = queue.Queue()
audio_buffer = bytearray()
lock = threading.Lock()


def mic_callback(data: bytes | None, _frames: int, _time: Mapping[str, float], _status: int) -> tuple[None, int]:
    """Queue what was heard."""
    mic_queue.put(data or b"")
    return None, pyaudio.paContinue


def speaker_callback(_data: bytes | None, frames: int, _time: Mapping[str, float], _status: int) -> tuple[bytes, int]:
    """Play what there is."""
    with lock:
        block = bytes(audio_buffer[: frames * 2])
        del audio_buffer[: frames * 2]
    return block.ljust(frames * 2, b"\0"), pyaudio.paContinue


def send(ws: websocket.WebSocket) -> None:
    """Send what the microphone hears."""
    with contextlib.suppress(websocket.WebSocketException, OSError):
        while True:
            audio = base64.b64encode(mic_queue.get()).decode()
            ws.send(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))


def receive(ws: websocket.WebSocket) -> None:
    """Play what the service says."""
    with contextlib.suppress(websocket.WebSocketException, OSError):
        while message := ws.recv():
            event = json.loads(message)
            if event["type"] == "response.output_audio.delta":
                with lock:
                    audio_buffer.extend(base64.b64decode(event["delta"]))
            elif event["type"] == "input_audio_buffer.speech_started":
                with lock:
                    audio_buffer.clear()
            elif event["type"] == "response.output_audio_transcript.done":
                print("assistant:", event["transcript"], flush=True)


def main() -> None:
    """Talk until interrupted."""
    ws = websocket.create_connection(f"{sys.argv[1]}?model=gpt-realtime", header=["Authorization: Bearer none"])
    form = {"type": "audio/pcm", "rate": RATE}
    detection = {"type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 500}
    audio = {"input": {"format": form, "turn_detection": detection}, "output": {"format": form, "voice": "alloy"}}
    session = {"type": "realtime", "instructions": "You are a helpful assistant.", "audio": audio}
    ws.send(json.dumps({"type": "session.update", "session": session}))
    port = pyaudio.PyAudio()
    sound = (RATE, 1, pyaudio.paInt16)
    port.open(*sound, input=True, frames_per_buffer=FRAMES, stream_callback=mic_callback)
    port.open(*sound, output=True, frames_per_buffer=FRAMES, stream_callback=speaker_callback)
    threading.Thread(target=send, args=(ws,), daemon=True).start()
    receiver = threading.Thread(target=receive, args=(ws,), daemon=True)
    receiver.start()
    with contextlib.suppress(KeyboardInterrupt):
        receiver.join()
    port.terminate()


if __name__ == "__main__":
    main()
