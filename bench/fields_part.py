"""The part that measures rows of several fields beside scikit-learn."""

from field_sets import FIELD_SETS
from programs import Bench, Job, Measurements, automl, peer, train
from tables import Row, Runs, met, middle, score, seconds, table

FORMS = ("first", "joined", "columns")
PRETRAINED_PAIRS = 0.80
AUTOGLUON_S = 60
NOTE = """Tenor: `ngram` with its defaults, with the first text field alone and with all of them (`--text` for each,
`--pair` for the pair); `pretrained` with all. scikit-learn: TF-IDF over words and word pairs, `min_df=2`,
`sublinear_tf`, logistic regression with C = 10: of the first field, of all joined by a blank, and of each field by
itself (`ColumnTransformer`). AutoGluon: its tabular predictor with all fields and a time limit of 60 s; training
seconds are in brackets."""


def fields(bench: Bench) -> list[Job]:
    """Tenor's `ngram`, scikit-learn and, if it is installed, AutoGluon on each set; then `pretrained` on the pairs."""

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
        if bench.automl_bin.is_dir():
            limit = "5" if bench.quick else str(AUTOGLUON_S)
            jobs.append(Job(f"autogluon all {name}", automl(bench, "peer_autogluon_fields.py", name, limit)))
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
        cells = (*peers, _autogluon(runs.get(f"autogluon all {name}", [])), score(first), score(every))
        rows.append((name, *cells, aim, met(every >= expected.target)))
    if "pretrained all qqp_pairs" in runs:
        reached = middle(runs["pretrained all qqp_pairs"], "accuracy")
        cells = ("qqp_pairs, `pretrained`", "", "", "", "", "", score(reached))
        rows.append((*cells, f">= {PRETRAINED_PAIRS}", met(reached >= PRETRAINED_PAIRS)))
    peers_header = ("scikit-learn, first field", "joined", "by column", "AutoGluon, all")
    header = ("set", *peers_header, "Tenor, first field", "all", "target", "met")
    return f"## Several fields, `ngram`\n\n{table(header, rows)}\n\n{NOTE}"


def _autogluon(result: Runs) -> str:
    """`0.7894 (61.2 s)`, or that no model was ready in time; empty where it was not run."""
    if not result:
        return ""
    spent = f"({seconds(middle(result, 'fit_s'))} s)"
    return (
        f"no model {spent}"
        if any("failed" in run for run in result)
        else f"{score(middle(result, 'accuracy'))} {spent}"
    )
