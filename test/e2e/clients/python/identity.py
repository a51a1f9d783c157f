"""Who is calling, and signatures that prove nothing."""

from support import connect, unmodelled

BOB = {"aws_access_key_id": "AKIABOB", "aws_secret_access_key": "bob's"}


def test_callers():
    assert connect("sts").get_caller_identity()["Arn"] == "arn:aws:iam::111111111111:root"
    bob = connect("sts", **BOB).get_caller_identity()
    assert bob["Account"] == "222222222222" and bob["Arn"] == "arn:aws:iam::222222222222:user/bob", bob
    assert bob["UserId"].startswith("AIDA"), bob
    assert connect("lambda", **BOB).list_functions()["Functions"] == []


def test_signatures():
    wrong, unknown = BOB | {"aws_secret_access_key": "x"}, BOB | {"aws_access_key_id": "AKIANOBODY"}
    with unmodelled("InvalidSignatureException", 403, "The request signature we calculated does not match the signature you provided."):
        connect("lambda", **wrong).list_functions()
    with unmodelled("UnrecognizedClientException", 403, "The security token included in the request is invalid."):
        connect("lambda", **unknown).list_functions()
    with unmodelled("SignatureDoesNotMatch", 403):
        connect("sts", **wrong).get_caller_identity()
    with unmodelled("InvalidClientTokenId", 403):
        connect("sts", **unknown).get_caller_identity()
