"""What people run today, as plain scripts: the other side of ``hilum bench``.

Each script runs in a virtual environment of its own, with what stands in the text file beside it, and imports
nothing of hilum. They can be run by hand, too.
"""
