"""strands-agents with its own AudioIO; with `aec` as second argument its echo canceller is on.

Its address of the service is a constant, for which there is no setting.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys

from strands.bidi import BidiAgent
from strands.bidi.io import AudioIO
from strands.bidi.models.openai import realtime


async def talk(*, cancel_echo: bool) -> None:
    """Talk until interrupted."""
    model = realtime.OpenAIRealtimeModel(
        model_id="gpt-realtime", transcription_model_id="gpt-4o-mini-transcribe", api_key="none"
    )
    audio = AudioIO(audio_processor=cancel_echo)
    await BidiAgent(model=model).run(inputs=[audio.input()], outputs=[audio.output()])


def main() -> None:
    """Run from the command line."""
    realtime.OPENAI_REALTIME_URL = sys.argv[1]
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(talk(cancel_echo="aec" in sys.argv[2:]))


if __name__ == "__main__":
    main()
