"""The assistant that needs no key and no network: a server of the Realtime protocol on this computer.

::

    client -> Server -> Session -> Listening -> detector, recogniser -> words -> Conversation
                                                                                  |-> [reply] brain -> synthesizer
    client <- Outbox <- Answer <--------------------------------------------------'

======================  ===============================================================================================
module                  what it is
======================  ===============================================================================================
``__main__``            ``python -m offline``: start it and print where it listens
``assistant``           the server and the organs that it really has
``organs``              ... and what it asks of them

the protocol
``server``              the socket, the handshake, who may connect, the end of everything
``session``             one connection: what each event of the client does
``wire``                client events, server events, errors, base64; all checked by pydantic
``settings``            what may be set of the session
``options``             ... of one response
``items``               what may be put into a conversation
``entry``               ... with its sound and its words
``conversation``        the items in order; truncation, deletion, bounds
``listening``           the input audio buffer: where turns begin and end
``replies``             which responses run
``reply``               ... the thread of one
``answer``              ... its events, in order
``outbox``              all events, in the order of decision

hearing and speaking
``vad``                 when somebody speaks
``recognizer``          what was said: two searches, of which the surer is believed
``search``              ... one of them, and who is heard by it when
``decoder``             ... its process
``spotter``             whether a phrase was said, for the client's wake word
``keyphrase``           ... its process
``child``               either process seen from the program
``sentences``           what people say, for the recogniser
``synthesizer``         words to sound

thinking                pure but for ``llm`` and ``exchange``
``brain``               what thinking looks like from outside
``matcher``             a brain by rules: it calls functions and says their results
``commands``            ... what the user's words mean, after those before them
``phrases``             ... the ways to put it
``intents``             ... what can be requested, what must be known of it, how it is asked for
``functions``           ... which of the client's functions does it, with which arguments
``llm``                 a brain by a language model
``chat``                ... how it is asked and how it answers
``thoughts``            ... what of it is not to be said
``exchange``            ... one request to its server
``fallback``            ... which may be down
======================  ===============================================================================================

Threads, where each may wait, and what wakes it:

* *offline accept* takes connections: on the listening socket. `Server.stop`, as for all of the protocol.
* *offline connection* reads one and does what its events ask for: on its socket. The websockets library adds two of its
  own for each, which receive frames and send pings. *offline farewell* cuts off who does not say goodbye at the end,
  *offline end* waits for all the library's threads, but nobody waits for it for long.
* *offline reply* makes one response: in the brain, in the synthesizer, in sending. Cancelling ends it after a piece,
  and hangs up on a language model.
* *offline search*, one for each of the two: in its queue, and in its process's pipes. `Search.close`.
* *wake word*: in its queue, and in its process's pipes. `Spotter.close`.
* *offline model* lets the language model be loaded: on its answer, for 5 minutes at most. It is left behind.

Sound arrives at the reader, goes through the detector and, while the user is speaking, into the recogniser; the turn's
words go into the conversation; a reply asks the brain and speaks sentence by sentence. Reader and replies share the
conversation under one lock per connection, and put events into one outbox, in their order.
"""
