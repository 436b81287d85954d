"""Talks to the swarm with nothing but its AsyncAPI document.

Publishes one intent in MessagePack without any header, then follows it in the stream until a plan
and its outcome are there. Every payload, sent or received, is held against the schema the document
gives for its subject. Prints one JSON object a message.

    talk.py ASYNCAPI.json NATS_URL SEED_FILE TEXT
"""

import asyncio
import json
import re
import sys
import uuid

import jsonschema
import msgpack
import nats


class Document:
    """What the AsyncAPI document says."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.root = json.load(file)

    def follow(self, reference):
        node = self.root
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]
        return node

    def channels(self):
        """(address, message name, schema) of every channel."""
        for channel in self.root["channels"].values():
            for reference in channel["messages"].values():
                message = self.follow(reference["$ref"])
                yield channel["address"], message["title"], message["payload"]["schema"]

    def submission(self):
        """The address and the schema of an intent."""
        operation = self.root["operations"]["sendIntentSubmitted"]
        channel = self.follow(operation["channel"]["$ref"])
        (reference,) = channel["messages"].values()
        return channel["address"], self.follow(reference["$ref"])["payload"]["schema"]

    def stream(self):
        return self.root["x-streams"][0]["name"]

    def message_on(self, subject):
        for address, name, schema in self.channels():
            if re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^.]+", re.escape(address)), subject):
                return name, schema
        raise SystemExit(f"{subject} is not in the document")


async def main(document_path, url, seed_file, text):
    document = Document(document_path)
    outside = await nats.connect(url)
    inside = await nats.connect(url, nkeys_seed=seed_file)

    intent = str(uuid.uuid4())
    address, schema = document.submission()
    submission = {"id": intent, "text": text, "by": "python"}
    jsonschema.validate(submission, schema)
    subscription = await inside.jetstream().subscribe(
        "", stream=document.stream(), ordered_consumer=True
    )
    await outside.publish(address, msgpack.packb(submission))
    await outside.flush()

    while True:
        message = await subscription.next_msg(timeout=20)
        payload = msgpack.unpackb(message.data)
        name, schema = document.message_on(message.subject)
        jsonschema.validate(payload, schema)
        body = payload.get("plan") if name == "PlanProposed" else payload
        if intent not in (body.get("intent"), body.get("id")):
            continue
        print(json.dumps({"subject": message.subject, "message": name}), flush=True)
        if name not in ("IntentSubmitted", "PlanProposed", "PlanStale"):
            break

    await outside.close()
    await inside.close()


asyncio.run(main(*sys.argv[1:]))
