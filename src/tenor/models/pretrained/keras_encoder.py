"""A pretrained encoder in Keras, from its architecture."""

from typing import NamedTuple

import keras

from tenor.models.neural.embeddings import AttentionMask, Embeddings, RelativeBias, RelativeEmbeddings
from tenor.models.neural.encoder import Block, ConvolutionResidual, Norm
from tenor.models.neural.keras_types import Tensor
from tenor.models.neural.relative_positions import BIAS
from tenor.models.pretrained.architectures import Architecture


class Tuning(NamedTuple):
    """What is trained.

    Attributes:
        embeddings: Whether the embeddings and relative positions are.
        blocks: Number of the first block that is.
        lora_rank: Rank of the LoRA weights, which alone are trained in blocks; 0: off.
        checkpointing: Whether the gradient computes the trained blocks again, so that memory holds their inputs alone.
    """

    embeddings: bool
    blocks: int
    lora_rank: int
    checkpointing: bool = False


def apply(shape: Architecture, tuning: Tuning, ids: Tensor, last: int) -> list[Tensor]:
    """The values (batch, time, width) of the `last` blocks, normalised, for symbolic ids (batch, time).

    Args:
        shape: The encoder's shape.
        tuning: What is trained.
        ids: The input.
        last: Number of blocks.
    """
    padding = AttentionMask(name="padding")(ids)
    embeddings = Embeddings(shape.embedding_shape, name="embeddings")
    embeddings.trainable = tuning.embeddings
    values = embedded = embeddings(ids)
    positions: tuple[Tensor, ...] = ()
    if (relative := shape.relative_shape) is not None:
        is_bias = relative.kind == BIAS
        layer = RelativeBias(relative, shape.heads, name="relative") if is_bias else None
        layer = layer or RelativeEmbeddings(relative, shape.width, name="relative")
        layer.trainable = tuning.embeddings
        if is_bias:
            padding = layer(padding)
        else:
            positions = (layer(ids),)
    outputs = []
    for number in range(shape.stored_blocks):
        block = Block(
            shape.block_shape(number),
            lora_rank=tuning.lora_rank,
            repeats=shape.blocks if shape.shared else 1,
            checkpointing=tuning.checkpointing and number >= tuning.blocks,
            name=f"block_{number}",
        )
        block.trainable = number >= tuning.blocks
        for _ in range(block.repeats):
            values = block(values, padding, *positions)
            if number == 0 and shape.convolution is not None:
                values = _convolve(shape, tuning, values, embedded, ids)
            outputs.append(values)
    outputs = outputs[-last:]
    if shape.norm_first:
        norm = Norm(shape.block_shape(0), name="norm")
        norm.trainable = tuning.blocks < shape.blocks and not tuning.lora_rank
        outputs = [norm(values) for values in outputs]
    return [*outputs[:-1], keras.layers.Identity(name="values")(outputs[-1])]


def _convolve(shape: Architecture, tuning: Tuning, values: Tensor, embedded: Tensor, ids: Tensor) -> Tensor:
    layer = ConvolutionResidual(shape.convolution or 1, shape.convolution_activation, shape.epsilon, name="convolution")
    layer.trainable = tuning.blocks == 0 and not tuning.lora_rank
    return layer(values, embedded, ids)
