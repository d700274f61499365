"""What torch trains on here, as one line of JSON. Runs in the training environment, by its path."""

import importlib.util
import json
import sys

import torch

if __name__ == "__main__":
    gpu = torch.cuda.is_available()
    told = {
        "gpu": torch.cuda.get_device_name() if gpu else "",
        "free": torch.cuda.mem_get_info()[0] if gpu else None,
        "bf16": gpu and torch.cuda.is_bf16_supported(including_emulation=False),
        "bitsandbytes": importlib.util.find_spec("bitsandbytes") is not None,
    }
    sys.stdout.write(json.dumps(told) + "\n")
