"""Peer: a plain FastAPI app around a transformers pipeline: `python peer_serve_encoder.py FOLDER PORT`.

The head has random weights: what it says does not matter here, and how fast it says it does not depend on them.
"""

import sys

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

folder, port = sys.argv[1:]
classify = pipeline(
    "text-classification",
    model=AutoModelForSequenceClassification.from_pretrained(folder, num_labels=2),
    tokenizer=AutoTokenizer.from_pretrained(folder),
    device="cpu",
    truncation=True,
    max_length=256,
)
app = FastAPI()


class Question(BaseModel):
    """One text."""

    inputs: str


@app.post("/predict")
def predict(question: Question) -> dict[str, float | str]:
    """Its label."""
    result = classify(question.inputs)[0]
    return {"label": result["label"], "score": result["score"]}


uvicorn.run(app, host="127.0.0.1", port=int(port), access_log=False, log_level="warning")
