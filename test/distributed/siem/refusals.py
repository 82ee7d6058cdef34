"""Tries, as the SIEM's principal, everything that it must not do; prints a JSON list of [what, outcome]. argv[1]: JSON {config, topics, foreign, group}."""

import json
import sys

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AclBinding, AclOperation, AclPermissionType, AdminClient, ConfigResource, NewPartitions, NewTopic, ResourcePatternType, ResourceType

task = json.loads(sys.argv[1])
outcomes = []


def attempt(what, work):
    try:
        result = work()
        outcomes.append([what, "done" if result is None else str(result)])
    except KafkaException as error:
        outcomes.append([what, error.args[0].name()])


def produce(topic):
    failures = []
    producer = Producer({**task["config"], "message.timeout.ms": 15000})
    producer.produce(topic, b"forged", on_delivery=lambda error, _message: failures.append(error) if error else None)
    producer.flush(20)
    if failures:
        raise KafkaException(failures[0])


def read(topic, group):
    consumer = Consumer({**task["config"], "group.id": group, "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    try:
        for _ in range(20):
            message = consumer.poll(1)
            if message is None:
                continue
            if message.error():
                raise KafkaException(message.error())
            return "read a record"
        return "no answer"
    finally:
        consumer.close()


def commit(topic, group):
    consumer = Consumer({**task["config"], "group.id": group})
    try:
        for result in consumer.commit(offsets=[TopicPartition(topic, 0, 5)], asynchronous=False):
            if result.error:
                raise KafkaException(result.error)
    finally:
        consumer.close()


admin = AdminClient(task["config"])
first = task["topics"][0]
wait = lambda futures: [future.result(15) for future in futures.values()] and None
for topic in task["topics"]:
    attempt(f"write {topic}", lambda topic=topic: produce(topic))
attempt(f"read {task['foreign']}", lambda: read(task["foreign"], task["group"]))
attempt("read as another group", lambda: read(first, "siem.ocsf"))
attempt("commit for another group", lambda: commit(first, "siem.ocsf"))
attempt("make a topic", lambda: wait(admin.create_topics([NewTopic("forged", 1, 1)])))
attempt("delete a topic", lambda: wait(admin.delete_topics([first])))
attempt("add partitions", lambda: wait(admin.create_partitions([NewPartitions(first, 99)])))
attempt("delete records", lambda: wait(admin.delete_records([TopicPartition(first, 0, 1)])))
attempt("change retention", lambda: wait(admin.alter_configs([ConfigResource(ConfigResource.Type.TOPIC, first, {"retention.ms": "1"})])))
acl = AclBinding(ResourceType.TOPIC, first, ResourcePatternType.LITERAL, "User:siem", "*", AclOperation.ALL, AclPermissionType.ALLOW)
attempt("give itself rights", lambda: wait(admin.create_acls([acl])))
print(json.dumps(outcomes))
