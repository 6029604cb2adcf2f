import random

import pytest

from tenor.training.network_training import seeded


def test_seeded_gives_the_random_state_back_after_an_error_too() -> None:
    random.seed(5)
    expected = [random.random(), random.random()]
    random.seed(5)
    assert random.random() == expected[0]
    with pytest.raises(ZeroDivisionError), seeded(1):
        _ = random.random() / 0
    assert random.random() == expected[1]


def test_seeded_makes_what_is_drawn_inside_a_function_of_the_seed() -> None:
    drawn = []
    for seed in (1, 1, 2):
        with seeded(seed):
            drawn.append(random.random())
    assert drawn[0] == drawn[1] != drawn[2]
