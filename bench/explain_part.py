"""The part that measures explanations beside LIME's, of the same model and the same reviews."""

from explained import QUICK_TEXTS, TEXTS
from programs import Bench, Job, Measurements, peer, tenor, train
from tables import Row, Runs, met, middle, score, seconds, table

FASTER = 20
NOTE = """An `ngram` model; random test reviews. Faithfulness: how far the probability of the predicted label falls
when the strongest 1, 5, 10, 20 and 50% of the words are deleted, the mean over these (comprehensiveness, DeYoung et
al., 2020). LIME gives one weight for all occurrences of a word. Words are deleted in the order of these weights, or
of the weight divided by the occurrences; the better result counts. Its seconds exclude the exchange of texts and
probabilities between environments."""


def explain(bench: Bench) -> list[Job]:
    """Tenor's exact weights and LIME with its default 5,000 samples."""
    texts = str(QUICK_TEXTS if bench.quick else TEXTS)
    model, ranked = bench.work / "explained", bench.work / "ranked.jsonl"

    def trained() -> str:
        if not model.is_dir():
            train(bench, "ngram", model)
        return str(model)

    def lime() -> Measurements:
        result = peer(bench, "peer_lime.py", trained(), texts, str(bench.tenor_bin / "python"), str(ranked))
        judged = tenor(bench, "tenor_explain.py", trained(), texts, str(ranked))
        return {**result, **{key: value for key, value in judged.items() if key.startswith("comprehensiveness")}}

    return [Job("tenor", lambda: tenor(bench, "tenor_explain.py", trained(), texts)), Job("lime", lime)]


def explain_section(runs: dict[str, Runs]) -> str:
    """Faithfulness and seconds of both."""
    ours, limes = runs["tenor"], runs["lime"]
    here = middle(ours, "comprehensiveness")
    there = max(middle(limes, metric) for metric in ("comprehensiveness", "comprehensiveness_shared"))
    spent, limes_spent = middle(ours, "explain_s"), middle(limes, "explain_s")
    rows: list[Row] = [
        ("faithfulness", score(middle(ours, "random")), score(there), score(here), "> LIME", met(here > there)),
        (
            f"{ours[-1]['texts']} reviews, s",
            "",
            seconds(limes_spent),
            seconds(spent),
            f"< 1/{FASTER} of LIME",
            met(spent < limes_spent / FASTER),
        ),
    ]
    header = ("", "random words", "LIME", "Tenor", "target", "met")
    return f"## Explanations\n\n{table(header, rows)}\n\n{NOTE}"
