package com.amazonaws.services.lambda.runtime;

public final class LambdaRuntime {
    private static volatile LambdaLogger logger; // the client sets it

    private LambdaRuntime() {}

    public static LambdaLogger getLogger() {
        return logger;
    }
}
