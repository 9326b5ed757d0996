"""What schemathesis has to know of Roster beside the document.

`ROSTER_USERNAME` and `ROSTER_PASSWORD` are whom it signs in as; without them it is
nobody. `ROSTER_KEPT` are the ids of users who have to stay as they are.
"""

import os
import re

import requests
import schemathesis
from schemathesis.openapi.checks import RejectedPositiveData

USERNAME = os.environ.get("ROSTER_USERNAME")
KEPT = set(os.environ.get("ROSTER_KEPT", "").split(","))

# The fields that more is demanded of than a schema can say, each with what that is.
# What is refused for any other although the document allows it is a mistake.
BEYOND_SCHEMAS = {
    "etag": "what the header says, if it says anything",
    "request_id": "what the header says, and of no other request",
    "page_token": "made by the server, for one list",
    "username": "of letters, digits and punctuation, in one direction (PRECIS, UTS 39)",
    "email": "without control characters",
    "password": "empty, or as long as the installation demands",
    "new_password": "as long as the installation demands",
    "current_password": "the one that the user has",
    "update_mask": "of fields that can be changed",
    "ip_address": "an address of IPv4 or IPv6",
    "start_day": "a day that exists",
    "end_day": "a day that exists, and not before the first",
    "secret": "without control characters",
    "all": "instead of ids",
    "to_user_id": "another than the first",
    "persona.name": "needed of a new one, not of a change",
    "annotation.video_id": "needed of a new one, not of a change",
    "annotation.persona_id": "needed of a new one, not of a change",
    "annotation.frames.frame_number": "of each frame another one",
    "ontology.entity_types.type_id": "of each type another one",
    "ontology.event_types.type_id": "of each type another one",
    "ontology.role_types.type_id": "of each type another one",
    "ontology.relation_types.type_id": "of each type another one",
    "annotation.type": "needed of a new one, not of a change",
    # schemathesis has its own idea of this header, whatever the document says.
    "if-match": "one strong tag",
}


class SignedIn:
    """Signs in, and again once the session has been ended by what is tried."""

    def get(self, case, context):
        credentials = {"username": USERNAME, "password": os.environ["ROSTER_PASSWORD"]}
        url = context.operation.base_url.rstrip("/") + "/api/auth/login"
        answer = requests.post(url, json=credentials, timeout=60)
        answer.raise_for_status()
        return answer.json()["token"]

    def set(self, case, token, context):
        case.headers["Authorization"] = f"Bearer {token}"


if USERNAME:
    schemathesis.auth(refresh_interval=3600)(SignedIn)


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """Lets an answer hold what the document says and nothing else.

    Clients have to expect more of later versions; a field that is not in the
    document of its own version is a mistake.
    """
    for schema in raw_schema["components"]["schemas"].values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)


@schemathesis.hook
def filter_case(context, case):
    """Keeps who is signed in an administrator, and able to sign in again."""
    parameters = case.path_parameters or {}
    changes = case.method.upper() != "GET"
    return not (changes and parameters.get("user_id") in KEPT)


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Lets values be refused for what no schema can say."""
    if not isinstance(failure, RejectedPositiveData):
        return True
    error = response.json()["error"]
    if error["status"] == "FAILED_PRECONDITION":
        return False
    violations = [
        violation
        for detail in error["details"]
        for violation in detail.get("fieldViolations", [])
    ]
    return not violations or not all(is_beyond_schemas(it) for it in violations)


def is_beyond_schemas(violation):
    """Whether a field is refused for what no schema can say."""
    name = re.sub(r"\[\d+\]", "", violation["field"])
    # A schema counts characters.
    return name in BEYOND_SCHEMAS or violation["description"].endswith(" bytes")
