"""replay_spec.py REPOSITORY STATE [--write]: see spec_test."""
import json
import pathlib
import re
import ssl
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

repository, state = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
writes = "--write" in sys.argv[3:]
spec = repository / "api" / "spec"
admin = json.loads((state / "admin.json").read_text())
trust = ssl.create_default_context(cafile=str(state / "ca.pem"))
names = {key: admin[key] for key in ("tenantId", "subscriptionId", "clientId", "clientSecret")}
kept_headers = ("Retry-After", "Azure-AsyncOperation", "Location", "Cache-Control", "WWW-Authenticate")
example_endpoint = "https://slipway.example:18443"
failures = 0


def say(passes, name, why=""):
    global failures
    failures += not passes
    print("pass" if passes else "FAIL", "api/spec:", name + (": " + why.replace("\n", " ")[:800] if why else ""), flush=True)


def filled(value):
    """The value with {names} replaced by what they stand for here."""
    if isinstance(value, dict):
        return {key: filled(one) for key, one in value.items()}
    if isinstance(value, list):
        return [filled(one) for one in value]
    if isinstance(value, str):
        return re.sub(r"\{(\w+)\}", lambda match: names.get(match[1], match[0]), value)
    return value


UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
PLAIN = (  # what differs from run to run
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "2026-11-23T12:00:00.000Z"),
    (re.compile(r"/ticks/\d+"), "/ticks/1"),
    (re.compile(r"(skiptoken=)[\w-]+"), r"\1e30"),
    (re.compile(r"vmss[0-9a-z]{6}"), "vmss000000"),
    (re.compile(r"(aks-\w+-)[0-9a-f]{7,8}(-)"), r"\g<1>01234567\2"),
)
SECRET_KEYS = ("access_token", "secretText", "x", "y", "kid")
FIXED_IDS = ("8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "b24988ac-6180-42a0-ab88-20f7382dd24c",
             "acdd72a7-3385-48ef-bd42-f606fba81ae7", "10000000-0000-4000-8000-000000000001")


def plain_text(text):
    text = text.replace(admin["endpoint"], example_endpoint).replace(admin["endpoint"].split("//")[1], "slipway.example:18443")
    for name, value in names.items():
        if name not in ("nodeName",):
            text = text.replace(value, "{" + name + "}")
    text = UUID.sub(lambda match: match[0] if match[0] in FIXED_IDS else "00000000-0000-4000-8000-000000000000", text)
    for pattern, replacement in PLAIN:
        text = pattern.sub(replacement, text)
    return text


def plain(value, key=""):
    """The value without what is different in each run."""
    if key in SECRET_KEYS or (isinstance(value, str) and len(value) > 400):
        return "(" + (key or "text") + ")"
    if key == "eTag":
        return "1"
    if key == "fqdn" and value:
        return "127.0.0.1"
    if key in ("internalIp", "verdict", "endorsementKey"):
        return value if key == "verdict" else "10.0.0.1"
    if key == "bootReport" and value:
        return {"verdict": value.get("verdict")}
    if isinstance(value, dict) and value.get("format") == "slipway-evidence":
        return {one: {} if isinstance(child, dict) else plain(child, one) for one, child in value.items()}
    if isinstance(value, dict):
        return {one: plain(child, one) for one, child in value.items()}
    if isinstance(value, list):
        return [plain(child) for child in value]
    return plain_text(value) if isinstance(value, str) else value


def send(request, token):
    request = filled(request)
    url = admin["endpoint"] + urllib.parse.quote(request["path"]) if "://" not in request["path"] else request["path"]
    query = request.get("query")
    if query:
        url += "?" + urllib.parse.urlencode(query)
    headers, data = {}, None
    if request.get("authorization", True):
        headers["Authorization"] = "Bearer " + token
    if "body" in request:
        headers["Content-Type"] = "application/json"
        data = json.dumps(request["body"]).encode()
    if "form" in request:
        data = urllib.parse.urlencode(request["form"]).encode()
    made = urllib.request.Request(url, method=request["method"], headers=headers, data=data)
    try:
        answer = urllib.request.urlopen(made, context=trust, timeout=30)
    except urllib.error.HTTPError as error:
        answer = error
    text = answer.read().decode()
    return answer.status, dict(answer.headers), json.loads(text) if text else None


def pointer(body, path):
    for part in path.strip("/").split("/"):
        body = body[int(part)] if isinstance(body, list) else body[part]
    return body


def log_in():
    form = {"grant_type": "client_credentials", "client_id": "{clientId}", "client_secret": "{clientSecret}"}
    request = {"method": "POST", "path": "/{tenantId}/oauth2/v2.0/token", "form": form, "authorization": False}
    return send(request, "")[2]["access_token"]


def wait_for(test, what):
    deadline = time.monotonic() + 60
    while not test():
        if time.monotonic() > deadline:
            raise RuntimeError("not in time: " + what)
        time.sleep(0.2)


# --- schemas: the part of JSON Schema that api/spec uses ---

def schema_errors(schema, value, document, where="body"):
    if "$ref" in schema:
        schema = pointer(document, schema["$ref"].lstrip("#"))
    if value is None:
        return [] if schema.get("nullable") else [where + " is null"]
    kind = schema.get("type")
    kinds = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float)}
    if kind and (not isinstance(value, kinds[kind]) or (kind != "boolean" and isinstance(value, bool))):
        return [f"{where} is no {kind}"]
    errors = []
    if "enum" in schema and value not in schema["enum"]:
        errors.append(f"{where} is {value!r}, which is none of {schema['enum']}")
    if kind == "object":
        errors += [f"{where}.{name} is missing" for name in schema.get("required", []) if name not in value]
        for name, child in value.items():
            if name in schema.get("properties", {}):
                errors += schema_errors(schema["properties"][name], child, document, f"{where}.{name}")
            elif schema.get("additionalProperties") is False:
                errors.append(f"{where}.{name} is not in the schema")
    if kind == "array":
        for index, child in enumerate(value):
            errors += schema_errors(schema.get("items", {}), child, document, f"{where}[{index}]")
    return errors


documents = {path.parent.name: json.loads(path.read_text()) for path in spec.glob("*/openapi.json")}


def operations(document):
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method.upper(), operation


def check_answer(version, name, status, body):
    for _, _, operation in operations(documents[version]):
        if operation["operationId"] != name:
            continue
        described = operation["responses"].get(str(status))
        if described is None:
            return [f"status {status} is not described"]
        content = described.get("content", {}).get("application/json")
        if content is None:
            return [] if body is None else ["a body is not described"]
        return schema_errors(content["schema"], body, documents[version])
    return ["it has no operation in openapi.json"]


def check_against_routes(walked):
    routes = set(re.findall(r'Route\{\s*"(\w+)",\s*((?:"[^"]*"\s*)+),', (repository / "src/api/routes.cc").read_text()))
    table = {(method, re.sub(r'"\s*"', "", pattern).strip().strip('"')) for method, pattern in routes}
    described, ids = set(), set()
    for version, document in documents.items():
        for path, method, operation in operations(document):
            described.add((method, path))
            ids.add(version + "/" + operation["operationId"])
    without_names = lambda rows: {(method, re.sub(r"\{\w+\}", "{}", path)) for method, path in rows}
    missing = without_names(table) - without_names(described)
    extra = without_names(described) - without_names(table)
    say(len(table) > 40 and not missing and not extra, "every route is described, and every description is a route",
        f"{len(table)} routes; not described: {sorted(missing)}; no route: {sorted(extra)}" if missing or extra or len(table) <= 40 else "")
    say(ids == walked, "every operation has an example that is replayed",
        f"only described: {sorted(ids - walked)}; only replayed: {sorted(walked - ids)}" if ids != walked else "")


def replay(step, token):
    version, name = step["operation"].split("/")
    path = spec / version / "examples" / (name + ".json")
    example = json.loads(path.read_text())
    status, headers, body = send(example["request"], token)
    if "untilStatus" in step:
        def done():
            nonlocal status, headers, body
            status, headers, body = send(example["request"], token)
            return status == step["untilStatus"]
        wait_for(done, name)
    for captured, source in step.get("capture", {}).items():
        if source in headers:
            names[captured] = headers[source].split("/")[-1].split("?")[0]
        else:
            names[captured] = pointer(body, source)
    if step.get("settle"):
        url = headers["Azure-AsyncOperation"]
        ended = lambda: send({"method": "GET", "path": url}, token)[2]["status"] != "InProgress"
        wait_for(ended, name)
        result = send({"method": "GET", "path": url}, token)[2]
        if result["status"] != "Succeeded":
            say(False, step["operation"], "its operation ended as " + json.dumps(result))
    if "until" in step:
        request = {"method": "GET", "path": step["until"][0], "query": {"api-version": version}}
        wait_for(lambda: send(request, token)[2]["properties"]["state"] == step["until"][1], name)
    if step.get("again"):
        return
    found = {"status": status, "headers": {key: plain_text(headers[key]) for key in kept_headers if key in headers}}
    if body is not None:
        found["body"] = plain(body)
    if writes:
        example["response"] = found
        path.write_text(json.dumps(example, indent=2) + "\n")
        return
    if found != example["response"]:
        old, new = json.dumps(example["response"], sort_keys=True), json.dumps(found, sort_keys=True)
        at = next((i for i, (a, b) in enumerate(zip(old, new)) if a != b), min(len(old), len(new)))
        start = max(0, at - 120)
        say(False, step["operation"], f"the example has ...{old[start:at + 160]}... and the answer ...{new[start:at + 160]}...")
        return
    errors = check_answer(version, name, status, body)
    say(not errors, step["operation"], "; ".join(errors[:5]))


walk = json.loads((spec / "walk.json").read_text())
token = log_in()
for step in walk:
    try:
        replay(step, token)
    except (RuntimeError, KeyError, TypeError, IndexError, OSError, ValueError) as error:
        say(False, step["operation"], f"{type(error).__name__}: {error}")
if not writes:
    check_against_routes({step["operation"] for step in walk})
