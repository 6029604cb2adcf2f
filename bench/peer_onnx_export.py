"""Peer: write an encoder and the mean of its values as ONNX: `python peer_onnx_export.py FOLDER FILE`."""

import sys
import warnings
from time import perf_counter

import torch
from transformers import AutoModel

from imdb import print_measurements

OPSET = 17


class Features(torch.nn.Module):
    """Ids and mask (batch, time) -> features (batch, width)."""

    def __init__(self, folder: str) -> None:
        """Load the encoder."""
        super().__init__()
        self.encoder = AutoModel.from_pretrained(folder)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The mean over the tokens, without padding."""
        values = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        weight = mask.unsqueeze(-1).to(values.dtype)
        return (values * weight).sum(1) / weight.sum(1)


def main() -> None:
    """Export with sizes of batch and time left open."""
    model = Features(sys.argv[1]).eval()
    ids = torch.randint(1000, 2000, (2, 16))
    mask = torch.ones_like(ids)
    mask[1, 9:] = 0  # without padding in the example, the mask would not be traced
    sizes = {0: "batch", 1: "time"}
    start = perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model,
            (ids, mask),
            sys.argv[2],
            input_names=["ids", "mask"],
            output_names=["features"],
            dynamic_axes={"ids": sizes, "mask": sizes, "features": {0: "batch"}},
            opset_version=OPSET,
            dynamo=False,
        )
    print_measurements(opset=OPSET, export_s=perf_counter() - start)


if __name__ == "__main__":
    main()
