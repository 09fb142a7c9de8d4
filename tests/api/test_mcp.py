"""The table over MCP: the same tools, described, and a call goes through."""

from __future__ import annotations

import ast
import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from serving import Server, serving, tiny, wait_until_done

import gtt.api.endpoints  # noqa: F401 - fills the table
from gtt.api.table import TABLE
from gtt.api.workspaces import new_key


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("mcp")
    with serving(
        home, GTT_SHARED_DESK="false", OMP_NUM_THREADS="1", GRADIO_MCP_SERVER="true"
    ) as one:
        yield one


def in_session(server: Server, key: str | None, work: Any) -> Any:
    """What `work(session)` returns within a session that sends this key."""
    from mcp import ClientSession
    from mcp.client.streamable_http import streamablehttp_client

    async def talk() -> Any:
        headers = {"X-GTT-Workspace": key} if key else {}
        url = f"{server.url}/gradio_api/mcp/"
        async with (
            streamablehttp_client(url, headers=headers) as (reading, writing, _),
            ClientSession(reading, writing) as session,
        ):
            await session.initialize()
            return await work(session)

    return asyncio.run(asyncio.wait_for(talk(), 120))


def call(server: Server, key: str | None, name: str, **values: Any) -> tuple[bool, str]:
    """Whether the tool failed, and its text, which Gradio writes as Python would."""

    async def work(session: Any) -> tuple[bool, str]:
        done = await session.call_tool(name, values)
        return bool(done.isError), done.content[0].text

    answer: tuple[bool, str] = in_session(server, key, work)
    return answer


def words(text: str) -> str:
    return " ".join(text.split())


def test_the_tools_are_the_table(server: Server) -> None:
    async def work(session: Any) -> Any:
        return (await session.list_tools()).tools

    tools = {tool.name: tool for tool in in_session(server, None, work)}
    assert set(tools) == set(TABLE)
    for name, row in TABLE.items():
        assert words(row.description) in words(tools[name].description)
        schema = tools[name].inputSchema
        beside = {"workspace"} | ({"file"} if row.takes_file else set())
        assert set(schema["properties"]) == set(row.request.model_fields) | beside, name
        for field, one in row.request.model_fields.items():
            assert one.description in schema["properties"][field]["description"], (name, field)


def test_a_run_is_created_by_a_tool(server: Server) -> None:
    key = new_key()
    failed, text = call(server, key, "create_run", **tiny())
    assert not failed, text
    run = ast.literal_eval(text)["run"]
    with server.client(key) as http:
        assert wait_until_done(http, run["id"])["state"] == "completed"
    failed, text = call(server, new_key(), "list_runs")
    assert not failed and ast.literal_eval(text)["runs"] == []


def test_an_error_is_the_same_sentence(server: Server) -> None:
    failed, text = call(server, new_key(), "set_config", config={"modle": {}})
    assert failed and "did you mean 'model'?" in text
