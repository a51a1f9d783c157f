package lambdaform;

import java.lang.reflect.Field;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Map;

/**
 * The interfaces of aws-lambda-java-core, of whatever version the function brings. What
 * they ask of a runtime is given by proxies.
 */
final class Core {
    private static final String PACKAGE = "com.amazonaws.services.lambda.runtime.";

    private final ClassLoader loader;
    private final Log log;
    private final Object logger; // a LambdaLogger, or null
    private final Method logsByLog4j; // whether an appender of AWS's is in use
    final Class<?> requestHandler; // or null
    final Class<?> streamHandler; // or null

    Core(ClassLoader loader, Log log) {
        this.loader = loader;
        this.log = log;
        this.requestHandler = find(PACKAGE + "RequestHandler");
        this.streamHandler = find(PACKAGE + "RequestStreamHandler");
        Class<?> runtime = find(PACKAGE + "LambdaRuntime");
        this.logger = runtime == null ? null : proxy("LambdaLogger", this::logs);
        Method logsByLog4j = null;
        try {
            if (runtime != null) {
                Field field = runtime.getDeclaredField("logger");
                field.setAccessible(true);
                field.set(null, logger);
                logsByLog4j = find(PACKAGE + "LambdaRuntimeInternal").getMethod("getUseLog4jAppender");
            }
        } catch (ReflectiveOperationException e) {
            log.error("The logger of LambdaRuntime cannot be set: " + e);
        }
        this.logsByLog4j = logsByLog4j;
    }

    static boolean isContext(Class<?> type) {
        return type.getName().equals(PACKAGE + "Context");
    }

    /** Null when there is no such class. */
    private Class<?> find(String name) {
        try {
            return Class.forName(name, false, loader);
        } catch (ClassNotFoundException e) {
            return null;
        }
    }

    /** The request id is in the diagnostic context of log4j when AWS's appender is used. */
    void begin(Invocation invocation) {
        try {
            if (logsByLog4j != null && (Boolean) logsByLog4j.invoke(null)) {
                put("org.apache.log4j.MDC", Object.class, invocation.id);
                put("org.apache.logging.log4j.ThreadContext", String.class, invocation.id);
            }
        } catch (ReflectiveOperationException e) {
            log.error("The request id cannot be told to log4j: " + e);
        }
    }

    private void put(String context, Class<?> value, String id) throws ReflectiveOperationException {
        Class<?> found = find(context);
        if (found != null) {
            found.getMethod("put", String.class, value).invoke(null, "AWSRequestId", id);
        }
    }

    /** What is asked by a proxy of an interface: its methods by name. */
    private interface Answers {
        Object to(String method, Object[] args);
    }

    private Object proxy(String name, Answers answers) {
        Class<?> face = find(PACKAGE + name);
        InvocationHandler handler = (self, method, args) -> {
            switch (method.getDeclaringClass() == Object.class ? method.getName() : "") {
                case "equals":
                    return self == args[0];
                case "hashCode":
                    return System.identityHashCode(self);
                case "toString":
                    return name + "@" + Integer.toHexString(System.identityHashCode(self));
                default:
                    return answers.to(method.getName(), args);
            }
        };
        return Proxy.newProxyInstance(loader, new Class<?>[] {face}, handler);
    }

    private Object logs(String method, Object[] args) {
        String level = args.length > 1 && args[1] != null ? args[1].toString() : "UNDEFINED";
        if (args[0] instanceof byte[]) {
            log.log((byte[]) args[0], level);
        } else {
            log.log((String) args[0], level);
        }
        return null;
    }

    /** A Context. */
    Object context(Invocation invocation) {
        Object identity = identity(invocation.identity);
        Object client = clientContext(invocation.clientContext);
        String memory = System.getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE");
        return proxy("Context", (method, args) -> {
            switch (method) {
                case "getAwsRequestId":
                    return invocation.id;
                case "getInvokedFunctionArn":
                    return invocation.functionArn;
                case "getRemainingTimeInMillis":
                    return invocation.remaining();
                case "getMemoryLimitInMB":
                    return memory == null ? 128 : Integer.parseInt(memory);
                case "getFunctionName":
                    return System.getenv("AWS_LAMBDA_FUNCTION_NAME");
                case "getFunctionVersion":
                    return System.getenv("AWS_LAMBDA_FUNCTION_VERSION");
                case "getLogGroupName":
                    return System.getenv("AWS_LAMBDA_LOG_GROUP_NAME");
                case "getLogStreamName":
                    return System.getenv("AWS_LAMBDA_LOG_STREAM_NAME");
                case "getIdentity":
                    return identity;
                case "getClientContext":
                    return client;
                case "getLogger":
                    return logger;
                case "getTenantId":
                    return invocation.tenantId;
                case "getXrayTraceId":
                    return invocation.traceId;
                default:
                    return null;
            }
        });
    }

    private Object identity(String json) {
        Map<?, ?> identity = parse(json);
        return identity == null ? null : proxy("CognitoIdentity", (method, args) ->
                identity.get(method.equals("getIdentityId") ? "cognitoIdentityId" : "cognitoIdentityPoolId"));
    }

    private Object clientContext(String json) {
        Map<?, ?> context = parse(json);
        if (context == null) {
            return null;
        }
        Object client = client((Map<?, ?>) context.get("client"));
        return proxy("ClientContext", (method, args) -> method.equals("getClient") ? client
                : context.get(method.equals("getCustom") ? "custom" : "env"));
    }

    private Object client(Map<?, ?> client) {
        return client == null ? null : proxy("Client", (method, args) -> {
            switch (method) {
                case "getInstallationId":
                    return client.get("installation_id");
                case "getAppTitle":
                    return client.get("app_title");
                case "getAppVersionName":
                    return client.get("app_version_name");
                case "getAppVersionCode":
                    return client.get("app_version_code");
                default:
                    return client.get("app_package_name");
            }
        });
    }

    private static Map<?, ?> parse(String json) {
        if (json == null || json.isEmpty()) {
            return null;
        }
        return (Map<?, ?>) Json.parse(json);
    }
}
