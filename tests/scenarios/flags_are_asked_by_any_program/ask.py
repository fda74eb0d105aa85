"""Asks a host for flags with the OpenFeature SDK of Python: `ask.py URL KEY QUESTIONS`, both sides JSON."""
import json
import sys

from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext

url, key, questions = sys.argv[1:]
api.set_provider(OFREPProvider(url, headers_factory=lambda: {"x-api-key": key}))
client = api.get_client()
asks = {
    "boolean": client.get_boolean_details,
    "string": client.get_string_details,
    "integer": client.get_integer_details,
    "float": client.get_float_details,
    "object": client.get_object_details,
}
answers = []
for question in json.loads(questions):
    context = dict(question.get("context", {}))
    who = EvaluationContext(context.pop("targetingKey", None), context)
    said = asks[question["type"]](question["flag"], question["default"], who)
    answers.append({
        "value": said.value,
        "variant": said.variant,
        "reason": said.reason and str(getattr(said.reason, "value", said.reason)),
        "error": said.error_code and said.error_code.value,
    })
print(json.dumps(answers))
