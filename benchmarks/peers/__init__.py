"""Our program and others that do the same, side by side: `script/bench` runs ``python -m benchmarks.peers.compare``.

=============  =========================================================
``compare``    the conversation that all go through, in turns
``programs``   who takes part, and how each is started
``scripted``   the service that all of them talk to
``overheard``  how much of its own voice each one sends
``table``      the lines, what each is, and who is first
``page``       ... as `docs/benchmarks.md`
``bars``       ... as pictures
``scripts``    the other programs, and what each is installed from
=============  =========================================================
"""
