"""What is loaded for the tests stays, and is not looked through until all of it is there (tests/conftest.py)."""

import gc
import sys

if "pytest" in sys.modules:  # benches use what is here, too, and measure memory
    gc.disable()
