"""What flagd's in-process provider answers: every flag of a file, asked for every context of another.

Usage: flagd.py FLAGS.json CONTEXTS.json; prints one JSON list: [flag, context's place, variant, value, reason, error].
"""

import json
import logging
import sys

from openfeature import api
from openfeature.contrib.provider.flagd import FlagdProvider
from openfeature.contrib.provider.flagd.config import ResolverType
from openfeature.evaluation_context import EvaluationContext

logging.disable(logging.CRITICAL)
flags_file, contexts_file = sys.argv[1:]
with open(flags_file) as file:
    flags = json.load(file)["flags"]
with open(contexts_file) as file:
    contexts = json.load(file)

api.set_provider_and_wait(
    FlagdProvider(resolver_type=ResolverType.FILE, offline_flag_source_path=flags_file)
)
client = api.get_client()
DEFAULTS = {bool: False, int: -1.0, float: -1.0, str: "code default", dict: {}}
ASK = {
    bool: client.get_boolean_details,
    int: client.get_float_details,
    float: client.get_float_details,
    str: client.get_string_details,
    dict: client.get_object_details,
}

answers = []
for key, flag in flags.items():
    kind = type(next(iter(flag["variants"].values())))
    for place, context in enumerate(contexts):
        attributes = dict(context)
        subject = attributes.pop("targetingKey", None)
        said = ASK[kind](key, DEFAULTS[kind], EvaluationContext(subject, attributes))
        error = said.error_code.value if said.error_code else None
        reason = said.reason.value if hasattr(said.reason, "value") else said.reason
        answers.append([key, place, said.variant, said.value, reason, error])
print(json.dumps(answers))
api.shutdown()
