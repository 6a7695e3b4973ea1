"""What is loaded for the tests stays, and is not looked through until all of it is there (tests/conftest.py)."""

import gc

gc.disable()
