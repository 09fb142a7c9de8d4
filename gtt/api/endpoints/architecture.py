"""The architecture of a model, drawn from the module itself."""

from __future__ import annotations

from gtt.api.schemas import Architecture, DrawArchitecture, Part
from gtt.api.service import Caller
from gtt.api.table import endpoint
from gtt.inference.questions import DrawingJob
from gtt.runs.expected_text import text_of

MODEL_FILE = "gtt/model/gpt.py"
KINDS = {
    "wte": "embedding",
    "wpe": "position embedding",
    "c_attn": "query, key, value",
    "attn.c_proj": "attention output",
    "c_fc": "MLP in",
    "mlp.c_proj": "MLP out",
    "ln_1": "layer norm",
    "ln_2": "layer norm",
    "ln_f": "layer norm",
    "lm_head": "unembedding",
}


@endpoint("GET", "/api/architecture", rate="tokenize", tag="models")
async def architecture(caller: Caller, request: DrawArchitecture) -> Architecture:
    """A model as its parts and as the graph of its computation: of a run, else of the draft.

    The graph is traced from the module, with the lines of its own source behind each operation.
    """
    run = caller.run(request.run_id) if request.run_id is not None else None
    config = run.config if run is not None else caller.draft
    recorded_size = run.view().vocab_size if run is not None else None
    text = text_of(config.data, caller.service.home.corpora)
    vocabulary = recorded_size or text.vocab_size
    batch = request.batch or config.training.batch_size
    tokens = min(request.tokens or config.model.block_size, config.model.block_size)
    model = config.model.model_dump(mode="json")
    drawn = await caller.ask(DrawingJob(model, vocabulary, batch, tokens))
    return Architecture(
        config=model,
        vocab_size=vocabulary,
        vocabulary_is_assumed=recorded_size is None and text.assumed,
        parameters=config.model.parameter_count(vocabulary),
        batch=batch,
        tokens=tokens,
        parts=[
            Part(
                name=node["id"],
                kind=kind_of(node["id"]),
                shape=max(node["weights"].values(), key=len),
                parameters=node["parameters"],
            )
            for node in drawn["nodes"]
            if node["weights"]
        ],
        file=MODEL_FILE,
        **drawn,
    )


def kind_of(id: str) -> str:
    """What the module of this name is called."""
    return next(kind for end, kind in KINDS.items() if id.endswith(end))
