"""Verifies time stamps with rfc3161-client. stdin: {root, certificate, cases: [{response, data}]}; stdout: one boolean per case."""
import base64
import json
import sys

from cryptography import x509
from rfc3161_client import VerifierBuilder, decode_timestamp_response

asked = json.load(sys.stdin)
root = x509.load_pem_x509_certificate(asked["root"].encode())
certificate = x509.load_pem_x509_certificate(asked["certificate"].encode())
verifier = VerifierBuilder().add_root_certificate(root).tsa_certificate(certificate).build()


def judge(case: dict) -> bool:
    try:
        response = decode_timestamp_response(base64.b64decode(case["response"]))
        return verifier.verify_message(response, base64.b64decode(case["data"])) is True
    except Exception:
        # It has no single class for what does not verify; the good case shows that it can say yes.
        return False


json.dump([judge(case) for case in asked["cases"]], sys.stdout)
