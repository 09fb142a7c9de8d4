"""A model out into the world: its card, and the push to the Hugging Face Hub."""
