package lambdaform;

import java.util.Map;

/** One event, with what the Runtime API says about it. */
final class Invocation {
    final String id;
    final String functionArn;
    final String traceId;
    final String tenantId;
    final String clientContext;
    final String identity;
    final long deadline;
    final byte[] payload;

    Invocation(Map<String, String> headers, byte[] payload) {
        this.id = headers.get("lambda-runtime-aws-request-id");
        this.functionArn = headers.get("lambda-runtime-invoked-function-arn");
        this.traceId = headers.get("lambda-runtime-trace-id");
        this.tenantId = headers.get("lambda-runtime-aws-tenant-id");
        this.clientContext = headers.get("lambda-runtime-client-context");
        this.identity = headers.get("lambda-runtime-cognito-identity");
        String at = headers.get("lambda-runtime-deadline-ms");
        this.deadline = at == null ? 0 : Long.parseLong(at);
        this.payload = payload;
    }

    int remaining() {
        return (int) Math.max(0, deadline - System.currentTimeMillis());
    }
}
