"""Decodes framed events with fastavro and encodes them again. stdin: {schemas: {id: schema}, events: [base64]}; stdout: one verdict per event."""
import base64
import io
import json
import sys

import fastavro

asked = json.load(sys.stdin)
schemas = {int(id): fastavro.parse_schema(schema, named_schemas={}) for id, schema in asked["schemas"].items()}


def judge(raw: bytes) -> dict:
    if raw[0] != 0:
        return {"ok": False, "why": "no Confluent framing"}
    schema = schemas[int.from_bytes(raw[1:5], "big")]
    body = io.BytesIO(raw[5:])
    try:
        event = fastavro.schemaless_reader(body, schema, None)
    except Exception as error:
        return {"ok": False, "why": repr(error)}
    if body.tell() != len(raw) - 5:
        return {"ok": False, "why": "bytes are left over"}
    again = io.BytesIO()
    fastavro.schemaless_writer(again, schema, event)
    envelope = event["envelope"]
    same = again.getvalue() == raw[5:]
    name = schema["name"]
    return {"ok": same, "why": "" if same else f"{name}: other bytes", "name": name, "event_id": envelope["event_id"], "seq": envelope["seq"]}


json.dump([judge(base64.b64decode(event)) for event in asked["events"]], sys.stdout)
