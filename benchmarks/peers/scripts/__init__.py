"""Other programs that do the same, each as short as its users would write it and at its best documented settings.

Each runs in a virtual environment of its own, made from the file of requirements beside it. The first argument is the
service's address; Ctrl-C ends it.
"""
