"""From every known server's refusal to our errors."""

import json
import time
from email.utils import formatdate

import pytest

from inference.engines.remote.refusals import explain, refusal, retry_after_s, told
from inference.errors import (
    BadRequest,
    ContentRefused,
    ContextTooLong,
    EngineBusy,
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    ModelNotFound,
    NotAuthorised,
    ServiceRetired,
)

LLAMA_CPP_LONG = {
    "error": {
        "code": 400,
        "message": "request (4390 tokens) exceeds the available context size (4096 tokens)",
        "type": "exceed_context_size_error",
        "n_prompt_tokens": 4390,
        "n_ctx": 4096,
    }
}
VLLM_SAYS = "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens."
VLLM_LONG_FLAT = {"object": "error", "message": VLLM_SAYS, "type": "BadRequestError", "code": 400}
VLLM_LONG_NESTED = {"error": {"message": VLLM_SAYS, "type": "BadRequestError", "param": None, "code": 400}}
AZURE_FILTER = {
    "error": {
        "message": "The response was filtered.",
        "code": "content_filter",
        "innererror": {"code": "ResponsibleAIPolicyViolation"},
    }
}
AZURE_NO_DEPLOYMENT = {
    "error": {"code": "DeploymentNotFound", "message": "The API deployment for this resource does not exist."}
}
VLLM_NO_MODEL = {
    "error": {"message": "The model `phi` does not exist.", "type": "NotFoundError", "code": 404}
}
GITHUB_GONE = {"error": {"code": "github_models_retirement_brownout", "message": "GitHub Models is retired."}}


@pytest.mark.parametrize(
    ("status", "body", "kind", "retries"),
    [
        (400, LLAMA_CPP_LONG, ContextTooLong, 0),
        (500, {"error": {"code": 500, "message": "Context size has been exceeded."}}, ContextTooLong, 0),
        (400, VLLM_LONG_FLAT, ContextTooLong, 0),
        (400, VLLM_LONG_NESTED, ContextTooLong, 0),
        (400, {"error": {"message": "…", "code": "context_length_exceeded"}}, ContextTooLong, 0),
        (413, "Request Entity Too Large", ContextTooLong, 0),
        (400, AZURE_FILTER, ContentRefused, 0),
        (404, AZURE_NO_DEPLOYMENT, ModelNotFound, 0),
        (404, VLLM_NO_MODEL, ModelNotFound, 0),
        (404, "404 page not found", ModelNotFound, 0),
        (410, GITHUB_GONE, ServiceRetired, 0),
        (400, {"error": {"message": "temperature must be below 2"}}, BadRequest, 0),
        (422, {"detail": [{"loc": ["body", "seed"], "msg": "not an integer", "input": "x"}]}, BadRequest, 0),
        (422, {"detail": [{"loc": ["body"], "msg": "no", "input": "context length"}]}, BadRequest, 0),
        (401, {"error": {"message": "invalid key"}}, NotAuthorised, 0),
        (403, {"status": 403, "title": "Forbidden", "detail": "Authorization failed"}, NotAuthorised, 0),
        (403, AZURE_FILTER, ContentRefused, 0),
        (408, "", EngineTimeout, 1),
        (504, "<html>Gateway Time-out</html>", EngineTimeout, 1),
        (429, {"error": {"message": "quota"}}, EngineBusy, 2),
        (
            503,
            {"error": {"message": "Loading model", "type": "unavailable_error", "code": 503}},
            EngineBusy,
            2,
        ),
        (500, "boom", EngineUnavailable, 1),
        (502, "", EngineUnavailable, 1),
        (302, "", EngineUnavailable, 0),
        (400, "[" * 100_000, BadRequest, 0),
    ],
)
def test_a_refusal_is_the_error_it_means(
    status: int, body: object, kind: type[EngineError], retries: int
) -> None:
    failure = refusal(status, body if isinstance(body, str) else json.dumps(body), {})

    assert type(failure.error) is kind
    assert failure.retries == retries
    assert f"HTTP {status}" in str(failure.error)
    assert len(str(failure.error)) < 400


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"error": {"message": "no", "code": 401}}, NotAuthorised),
        (LLAMA_CPP_LONG, ContextTooLong),
        ({"error": "server busy, please try again"}, EngineBusy),
        ({"error": "model 'phi9' not found"}, ModelNotFound),
        ({"error": "CUDA error: out of memory"}, EngineUnavailable),
        ({"object": "error", "message": "worker died", "code": 500}, EngineUnavailable),
    ],
)
def test_an_error_inside_a_200_is_the_error_it_means(body: object, kind: type[EngineError]) -> None:
    assert type(told(json.dumps(body)).error) is kind


def test_explanations_are_one_short_line() -> None:
    assert explain('{"error": {"message": "two\\n lines"}}') == "two lines"
    assert explain("<html><h1>Bad\nGateway</h1></html>") == "Bad Gateway"
    assert explain('{"detail": "Not Found"}') == "Not Found"
    assert explain("{}") == "no reason given"
    assert len(explain("x" * 10_000)) == 300


def test_retry_after_is_read_in_every_form() -> None:
    assert retry_after_s({}) is None
    assert retry_after_s({"retry-after": "7"}) == 7
    assert retry_after_s({"retry-after": "7", "retry-after-ms": "250"}) == 0.25
    assert retry_after_s({"retry-after": "soon"}) is None
    assert retry_after_s({"retry-after": "-1"}) is None
    assert retry_after_s({"retry-after": formatdate(0, usegmt=True)}) == 0
    in_a_minute = retry_after_s({"retry-after": formatdate(time.time() + 60, usegmt=True)})
    assert in_a_minute is not None
    assert 50 < in_a_minute <= 60
