"""Where the program under test and its models are."""
import os
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BORA = os.environ.get("BORA", str(ROOT / "bora"))
MODELS = os.environ.get("BORA_TEST_MODELS", os.path.expanduser("~/.local/share/bora/models"))
SMALL = os.path.join(MODELS, "smollm2-135m-instruct-q4_1.gguf")
needs_small = pytest.mark.skipif(not os.path.exists(SMALL), reason="the small model is not here")
