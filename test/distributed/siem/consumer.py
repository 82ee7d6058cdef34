"""A SIEM's consumer with Confluent's own Python client: reads the topics as the given principal and prints one JSON object a record.

argv[1]: JSON {config, registry, avro, json, expect}. Avro topics are decoded by AvroDeserializer (fastavro) with the schemas of the registry.
Ends when it has `expect` records or nothing came for 20 seconds.
"""

import json
import sys
import time

from confluent_kafka import Consumer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

task = json.loads(sys.argv[1])
decode = AvroDeserializer(SchemaRegistryClient({"url": task["registry"]}))
consumer = Consumer({"auto.offset.reset": "earliest", "enable.auto.commit": False, **task["config"]})
consumer.subscribe(task["avro"] + task["json"])


def plain(value):
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


count, last = 0, time.monotonic()
while count < task["expect"] and time.monotonic() - last < 20:
    message = consumer.poll(0.5)
    if message is None:
        continue
    if message.error():
        print(json.dumps({"error": str(message.error())}), flush=True)
        continue
    count, last = count + 1, time.monotonic()
    record = {"topic": message.topic(), "partition": message.partition(), "offset": message.offset(), "key": (message.key() or b"").decode()}
    if message.topic() in task["avro"]:
        record["schema"] = int.from_bytes(message.value()[1:5], "big")
        record["value"] = plain(decode(message.value(), SerializationContext(message.topic(), MessageField.VALUE)))
    else:
        record["event_id"] = dict(message.headers())["event_id"].decode()
        record["text"] = message.value().decode("ascii")
    print(json.dumps(record))
consumer.commit(asynchronous=False)
consumer.close()
