"""Peer: scikit-learn on a set of several fields: `python peer_fields.py first|joined|columns NAME`.

TF-IDF over words and word pairs and logistic regression: of the first field, of all fields joined by a blank, or of
each field by itself (`ColumnTransformer`), with its defaults but for word pairs and sub-linear counts.
"""

import sys
from time import perf_counter
from typing import Any

import field_sets
from imdb import print_measurements


def vectorizer() -> Any:
    """TF-IDF over words and word pairs."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)


def transformer(form: str, n_fields: int) -> Any:
    """What turns rows of fields into features."""
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    if form == "columns":
        return ColumnTransformer([(str(number), vectorizer(), number) for number in range(n_fields)])
    joined = FunctionTransformer(lambda rows: [" ".join(row[:1] if form == "first" else row) for row in rows])
    return make_pipeline(joined, vectorizer())


def main() -> None:
    """Fit, predict the test rows, print the measurements."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    form, name = sys.argv[1:3]
    rows, labels = field_sets.read("train", name)
    start = perf_counter()
    model = make_pipeline(transformer(form, len(rows[0])), LogisticRegression(C=10, max_iter=1000))
    model.fit(np.array(rows, object), labels)
    fit_s = perf_counter() - start
    rows, labels = field_sets.read("test", name)
    accuracy = float((model.predict(np.array(rows, object)) == np.array(labels)).mean())
    print_measurements(accuracy=accuracy, fit_s=fit_s)


if __name__ == "__main__":
    main()
