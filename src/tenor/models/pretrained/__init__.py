"""Pretrained encoders: hubs, folders of Hugging Face, weights."""
