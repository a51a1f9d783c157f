"""boto3 as it is against an engine.

Usage: python3 DIRECTORY OPERATION..., the endpoint and keys in the environment. The
operations are those that the engine serves, such as lambda.Invoke: every one of
them must have succeeded in the end.
"""

import sys
import time
import traceback

import functions
import identity
import invocation
import layers
import logs
import mappings
import monitoring
import permissions
import queues
import settings
import streams
import support
import urls
import versions

TOPICS = (functions, versions, invocation, permissions, layers, urls, settings, streams, mappings, queues, logs, monitoring, identity)

# Every exception of the models that the engine can be brought to send from outside.
EXCEPTIONS = {
    "CodeSigningConfigNotFoundException", "CodeStorageExceededException", "CodeVerificationFailedException",
    "InvalidParameterValueException", "InvalidRequestContentException", "InvalidZipFileException",
    "PolicyLengthExceededException", "PreconditionFailedException", "ProvisionedConcurrencyConfigNotFoundException",
    "ResourceConflictException", "ResourceNotFoundException", "TooManyRequestsException", "UnsupportedMediaTypeException",
    "AccessDeniedException", "ExpiredIteratorException", "InvalidArgumentException", "LimitExceededException",
    "ResourceInUseException", "ValidationException",
    "InvalidParameterException", "ResourceAlreadyExistsException", "TooManyTagsException",
    "InvalidNextToken", "InvalidParameterCombinationException", "MissingRequiredParameterException", "ResourceNotFound",
    "BatchEntryIdsNotDistinct", "BatchRequestTooLong", "EmptyBatchRequest", "InvalidAttributeName", "InvalidAttributeValue",
    "InvalidBatchEntryId", "InvalidMessageContents", "MessageNotInflight", "QueueDoesNotExist", "QueueNameExists",
    "ReceiptHandleIsInvalid", "TooManyEntriesInBatchRequest", "UnsupportedOperation",
}  # fmt: skip


def run(test, name):
    began = time.monotonic()
    try:
        test()
    except Exception:
        traceback.print_exc(file=sys.stdout)
        print(f"FAIL {name}")
        return False
    print(f"ok {name} {time.monotonic() - began:.1f}s")
    return True


results = [
    run(test, f"{topic.__name__}.{name}")
    for topic in TOPICS
    for name, test in vars(topic).items()
    if name.startswith("test_")
]
uncalled = set(sys.argv[1:]) - support.answered
uncaught = EXCEPTIONS - support.caught
if uncalled or uncaught:
    sys.exit(f"FAIL never called: {sorted(uncalled)}, never caught: {sorted(uncaught)}")
if not all(results):
    sys.exit("FAIL")
