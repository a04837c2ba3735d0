"""The assistant that needs no key and no network: a server of the Realtime protocol on this computer.

    __main__        ``python -m offline``: start it and print where it listens
    server          the socket, the handshake, who may connect, the end of everything
    session         one connection: what each event of the client does
    wire            client events, server events, errors, base64; all checked by pydantic
    settings        what may be set of the session         options     ... of one response
    items           what may be put into a conversation    entry       an item with its sound and its words
    conversation    the items in order; truncation, deletion, bounds
    listening       the input audio buffer: where turns begin and end
    replies         which responses run                    reply       the thread of one
    answer          the events of one response, in order   outbox      all events, in the order of decision
    child           a recogniser's process: ``decoder`` for speech, ``keyphrase`` for a phrase, which ``spotter`` asks
    organs          what the server asks of those below    assistant   ... and those that it has

The organs: ``vad`` notices speech, ``recognizer`` turns it into words, a ``brain`` (``matcher``, or ``llm`` with
``fallback``) decides what to say or which function to call, ``synthesizer`` says it.

Threads: ``offline accept`` takes connections, ``offline connection`` reads one and does what its events ask for,
``offline reply resp_...`` makes one response; the websockets library adds two of its own per connection, which receive
frames and send pings. Sound arrives at the reader, goes through the detector and, while the user is speaking, into the
recogniser; the turn's words go into the conversation; a reply asks the brain and speaks sentence by sentence. Reader
and replies share the conversation under one lock per connection, and put events into one outbox, in their order.
"""
