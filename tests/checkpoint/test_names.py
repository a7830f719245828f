"""Names are stable, readable and never collide."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kport.checkpoint import join_name, local_layer_names, split_name

SEGMENTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)


@given(st.lists(SEGMENTS, min_size=1, max_size=5))
def test_a_name_splits_into_what_it_was_joined_from(segments: list[str]) -> None:
    assert list(split_name(join_name(*segments))) == segments


@pytest.mark.parametrize(
    ("layers", "names"),
    [
        ([("Dense", "dense_7"), ("Dense", "dense_9")], ["dense", "dense_1"]),
        ([("Dense", "dense"), ("Dense", "dense_1")], ["dense", "dense_1"]),
        ([("Dense", "dense_10"), ("Dense", "dense_9")], ["dense_1", "dense"]),
        ([("Dense", "head"), ("Dense", "dense_4")], ["head", "dense"]),
        ([("Conv2D", "conv2d_3"), ("Dense", "dense_3")], ["conv2d", "dense"]),
        ([("Conv2D", "dense"), ("Dense", "dense_3")], ["dense", "dense_1"]),
        ([("Dense", "dense_x")], ["dense_x"]),
        ([("InputLayer", "keras_tensor_48CLONE"), ("Dense", "out")], ["input_layer", "out"]),
        ([("InputLayer", "pixelsCLONE")], ["pixelsCLONE"]),
        ([("LSTM", "lstm_12"), ("LSTMCell", "lstm_cell")], ["lstm", "lstm_cell"]),
    ],
)
def test_only_names_that_keras_numbered_are_counted_anew(
    layers: list[tuple[str, str]], names: list[str]
) -> None:
    assert local_layer_names(layers) == names


@given(st.lists(st.tuples(st.sampled_from(["Dense", "Conv2D", "Block"]), SEGMENTS), max_size=6))
def test_local_names_are_unique_when_the_given_ones_are(layers: list[tuple[str, str]]) -> None:
    unique = {name: (cls, name) for cls, name in layers}
    names = local_layer_names(list(unique.values()))
    assert len(set(names)) == len(unique)
