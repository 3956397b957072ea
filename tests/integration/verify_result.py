#!/usr/bin/python3
"""Verifies an attestation result with PyJWT alone: verify_result.py KEY_SET TOKEN_FILE NOW -> the claims, or status 1."""

import json
import sys

import jwt

key_set_file, token_file, now = sys.argv[1:]
time_of_tokens = float(now)


class FrozenTime(jwt.api_jwt.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(time_of_tokens, tz=tz)


jwt.api_jwt.datetime = FrozenTime
with open(key_set_file, encoding="utf-8") as file:
    key_set = jwt.PyJWKSet.from_dict(json.load(file))
with open(token_file, encoding="utf-8") as file:
    token = file.read()
header = jwt.get_unverified_header(token)
try:
    key = next(key for key in key_set.keys if key.key_id == header["kid"])
    claims = jwt.decode(token, key.key, algorithms=["ES256"], options={"require": ["exp", "iat", "iss", "sub"]})
except (StopIteration, jwt.InvalidTokenError) as error:
    print(f"{type(error).__name__}: {error}")
    sys.exit(1)
json.dump({"header": header, "claims": claims}, sys.stdout)
