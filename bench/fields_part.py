"""The part that measures rows of several fields beside scikit-learn."""

from field_sets import FIELD_SETS
from programs import Bench, Job, Measurements, peer, train
from tables import Row, Runs, met, middle, score, table

FORMS = ("first", "joined", "columns")
PRETRAINED_PAIRS = 0.80
NOTE = """Tenor: `ngram` with its defaults, with the first text field alone and with all of them (`--text` for each,
`--pair` for the pair); `pretrained` with all. scikit-learn: TF-IDF over words and word pairs, `min_df=2`,
`sublinear_tf`, logistic regression with C = 10: of the first field, of all joined by a blank, and of each field by
itself (`ColumnTransformer`)."""


def fields(bench: Bench) -> list[Job]:
    """Tenor's `ngram` and scikit-learn on each set, then `pretrained` on the pairs."""

    def tenors(family: str, name: str, form: str) -> Measurements:
        columns = FIELD_SETS[name].options if form == "all" else ("--text", FIELD_SETS[name].text)
        return train(bench, family, bench.work / f"fields-{family}-{name}-{form}", name=name, columns=columns)

    jobs = []
    for name in FIELD_SETS:
        for form in FORMS:
            jobs.append(
                Job(f"sklearn {form} {name}", lambda form=form, name=name: peer(bench, "peer_fields.py", form, name))
            )
        for form in ("first", "all"):
            jobs.append(Job(f"ngram {form} {name}", lambda form=form, name=name: tenors("ngram", name, form)))
    jobs.append(Job("pretrained all qqp_pairs", lambda: tenors("pretrained", "qqp_pairs", "all")))
    return jobs


def fields_section(runs: dict[str, Runs]) -> str:
    """Test accuracy on each set, beside scikit-learn."""
    rows: list[Row] = []
    for name, expected in FIELD_SETS.items():
        if f"ngram all {name}" not in runs:
            continue
        peers = [score(middle(runs[f"sklearn {form} {name}"], "accuracy")) for form in FORMS]
        first, every = (middle(runs[f"ngram {form} {name}"], "accuracy") for form in ("first", "all"))
        aim = f">= {expected.target}"
        rows.append((name, *peers, score(first), score(every), aim, met(every >= expected.target)))
    if "pretrained all qqp_pairs" in runs:
        reached = middle(runs["pretrained all qqp_pairs"], "accuracy")
        cells = ("qqp_pairs, `pretrained`", "", "", "", "", score(reached))
        rows.append((*cells, f">= {PRETRAINED_PAIRS}", met(reached >= PRETRAINED_PAIRS)))
    header = ("set", "scikit-learn, first field", "joined", "by column", "Tenor, first field", "all", "target", "met")
    return f"## Several fields, `ngram`\n\n{table(header, rows)}\n\n{NOTE}"
