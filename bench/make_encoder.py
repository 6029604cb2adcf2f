"""Write an encoder with random weights and BERT-base's size: `python make_encoder.py MINILM FOLDER`.

The speed of training does not depend on the weights. The tokenizer is that of MINILM, which is BERT's.
"""

import shutil
import sys
from pathlib import Path

import torch
from transformers import BertConfig, BertModel

from imdb import print_measurements

SEED = 7
TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")


def main() -> None:
    """Write the folder, print it."""
    minilm, folder = Path(sys.argv[1]), Path(sys.argv[2])
    torch.manual_seed(SEED)
    BertModel(BertConfig()).save_pretrained(folder)
    for name in TOKENIZER:
        shutil.copyfile(minilm / name, folder / name)
    print_measurements(folder=str(folder))


if __name__ == "__main__":
    main()
